// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "classifier/headers.hpp"

namespace bulkhead {

/// A closed interval of 0..Last. `any()` is the whole domain, the value that stands for "absent" included.
template <uint32_t Last>
struct Interval {
  uint32_t first = 0;
  uint32_t last = Last;

  static constexpr Interval any() { return {}; }
  static constexpr Interval exactly(uint32_t value) { return {value, value}; }
  [[nodiscard]] constexpr bool is_any() const { return first == 0 && last == Last; }
  [[nodiscard]] constexpr bool matches(uint32_t value) const { return first <= value && value <= last; }
  bool operator==(const Interval&) const = default;
};

/// Addresses that agree with `value` where `mask` has ones. Invariant: value has no bit outside mask.
struct MaskedMac {
  uint64_t value = 0;
  uint64_t mask = 0;

  static constexpr MaskedMac any() { return {}; }
  [[nodiscard]] constexpr bool is_any() const { return mask == 0; }
  [[nodiscard]] constexpr bool matches(MacAddress address) const { return (address.bits() & mask) == value; }
  bool operator==(const MaskedMac&) const = default;
};

/// A set of PCPs: bit n for PCP n, bit Headers::kNoPcp for untagged frames.
struct PcpSet {
  uint16_t bits = 0x1ff;

  static constexpr PcpSet any() { return {}; }
  [[nodiscard]] constexpr bool is_any() const { return bits == 0x1ff; }
  [[nodiscard]] constexpr bool matches(uint8_t pcp) const { return (bits >> pcp & 1) != 0; }
  bool operator==(const PcpSet&) const = default;
};

/// The addresses that begin with the first `length` bits of `bytes`. Invariant: the other bits are zero.
struct IpPrefix {
  std::array<uint8_t, 16> bytes{};
  uint8_t length = 0;  // 0-32 or 0-128
  bool operator==(const IpPrefix&) const = default;
};

/// A set of addresses: for each family a prefix or nothing, and whether frames without IP belong to it.
struct IpSet {
  bool absent = true;
  std::optional<IpPrefix> v4 = IpPrefix{};
  std::optional<IpPrefix> v6 = IpPrefix{};

  static IpSet any() { return {}; }
  [[nodiscard]] bool is_any() const { return *this == IpSet{}; }
  bool operator==(const IpSet&) const = default;
};

/// One flowspace entry at one port: the packets that match every field. Fields left alone match anything.
struct Match {
  Interval<kMaxPorts - 1> port;
  Interval<Vlan::kCount - 1> vlan;  // Vlan::number(): untagged is the last value
  PcpSet pcp;
  MaskedMac eth_dst;
  MaskedMac eth_src;
  Interval<65535> ethertype;
  IpSet ip_src;
  IpSet ip_dst;
  Interval<Headers::kNoIpProto> ip_proto;
  Interval<Headers::kNoDscp> dscp;
  Interval<Headers::kNoL4Port> l4_src;
  Interval<Headers::kNoL4Port> l4_dst;

  bool operator==(const Match&) const = default;
};

/// A match, whose it is, and where it ranks: of entries that overlap, the one of higher precedence wins.
struct FlowspaceEntry {
  Match match;
  SliceId slice;
  int32_t precedence = 0;
  uint32_t source = 0;  // the writer's own number for it: which [[slice.flowspace]], which line

  bool operator==(const FlowspaceEntry&) const = default;
};

}  // namespace bulkhead
