// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "control/config.hpp"

/// What each slice is entitled to: the configuration with the contract's defaults worked out. Pure functions;
/// the report prints it, the isolation proof sums it up.
namespace bulkhead {

/// A frame of the Ethernet MTU, tagged, as rates count it: 1500 bytes, header 14, tag 4, overhead 24. No
/// burst and no queue is smaller, or the frame could never pass.
inline constexpr Bytes kLargestFrameOnWire = Bytes{1500 + 14 + 4} + kWireOverhead;

inline constexpr uint32_t kDefaultWeight = 100;
inline constexpr uint32_t kDefaultClassWeight = 1;

/// 2 ms at the ceiling, at least two frames: short enough not to be felt as delay elsewhere, long enough that
/// a worker's absence costs no rate.
[[nodiscard]] Bytes default_burst(BitsPerSecond ceiling);

/// What a slice gets at one of its egress ports.
struct PortShare {
  PortId port;
  BitsPerSecond guarantee;
  std::optional<BitsPerSecond> ceiling;  // nothing: the port's speed, which only its device knows
  uint32_t weight = kDefaultWeight;
  std::optional<Bytes> burst;  // nothing: follows from a ceiling that is not known
};

/// Ports whose speed the configuration leaves to the device, as the devices report them; by PortId. May be
/// shorter than the list of ports, or empty.
using ReportedSpeeds = std::vector<std::optional<BitsPerSecond>>;

/// The port's line rate: as configured, else as reported, else nothing.
[[nodiscard]] std::optional<BitsPerSecond> port_speed(const Config& config, PortId port,
                                                      const ReportedSpeeds& reported);

/// A slice's share at each of its ports, in the order of SliceConfig::ports().
[[nodiscard]] std::vector<PortShare> port_shares(const Config& config, const SliceConfig& slice,
                                                 const ReportedSpeeds& reported);

/// The slice's classes in the order of service, every PCP in exactly one, every weighted one with its weight.
/// None given: eight strict ones in 802.1Q's order. PCPs that no given class names share a last, weighted
/// one.
[[nodiscard]] std::vector<ClassConfig> classes_of(const SliceConfig& slice);

/// Matches that the slice's flowspaces compile to: one for each entry and port.
[[nodiscard]] std::size_t rule_count(const SliceConfig& slice);

/// "wire" or "switch", as the configuration says it.
[[nodiscard]] std::string forward_name(SliceConfig::Forward forward);

/// "0a1b2c3d:00000001"
[[nodiscard]] std::string format_vnet(SliceConfig::Vnet vnet);

/// Workers where the configuration names none: the cores this process may use but one, at least one.
[[nodiscard]] uint32_t default_workers();

}  // namespace bulkhead
