// SPDX-License-Identifier: Apache-2.0
#include "control/entitlement.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <string_view>

#include "nic/worker_thread.hpp"

namespace bulkhead {
namespace {

const BandwidthConfig* override_at(const SliceConfig& slice, PortId port) {
  const auto found =
      std::ranges::find(slice.bandwidth_at_port, port, &std::pair<PortId, BandwidthConfig>::first);
  return found == slice.bandwidth_at_port.end() ? nullptr : &found->second;
}

}  // namespace

Bytes default_burst(BitsPerSecond ceiling) {
  constexpr uint64_t kBitsPerByteAndBurstsPerSecond = uint64_t{8} * 500;
  return std::max(Bytes{ceiling.count() / kBitsPerByteAndBurstsPerSecond}, kLargestFrameOnWire * 2);
}

std::optional<BitsPerSecond> port_speed(const Config& config, PortId port, const ReportedSpeeds& reported) {
  if (config.ports[port.value()].speed) return config.ports[port.value()].speed;
  return port.value() < reported.size() ? reported[port.value()] : std::nullopt;
}

std::vector<PortShare> port_shares(const Config& config, const SliceConfig& slice,
                                   const ReportedSpeeds& reported) {
  std::vector<PortShare> out;
  for (const PortId port : slice.ports()) {
    const BandwidthConfig* here = override_at(slice, port);
    const auto pick = [&](auto member) {
      return here != nullptr && (here->*member).has_value() ? here->*member : slice.bandwidth.*member;
    };
    PortShare share{.port = port,
                    .guarantee = pick(&BandwidthConfig::guarantee).value_or(BitsPerSecond{0}),
                    .ceiling = pick(&BandwidthConfig::ceiling),
                    .weight = pick(&BandwidthConfig::weight).value_or(kDefaultWeight),
                    .burst = pick(&BandwidthConfig::burst)};
    if (!share.ceiling) share.ceiling = port_speed(config, port, reported);
    if (!share.burst && share.ceiling) share.burst = default_burst(*share.ceiling);
    out.push_back(share);
  }
  return out;
}

std::vector<ClassConfig> classes_of(const SliceConfig& slice) {
  if (slice.classes.empty()) {
    // 802.1Q-2018, table I-2: PCP 1 is "background" and yields to 0, "best effort".
    constexpr std::array<uint8_t, 8> kOrder = {7, 6, 5, 4, 3, 2, 0, 1};
    std::vector<ClassConfig> out;
    for (const uint8_t pcp : kOrder) {
      out.emplace_back();
      out.back().pcps = {pcp};
      out.back().strict = true;
    }
    return out;
  }
  std::vector<ClassConfig> out;
  for (const bool strict : {true, false})
    std::ranges::copy_if(slice.classes, std::back_inserter(out),
                         [strict](const ClassConfig& given) { return given.strict == strict; });
  std::array<bool, 8> named{};
  for (ClassConfig& given : out) {
    for (const uint8_t pcp : given.pcps) named[pcp] = true;
    if (!given.strict) given.weight = given.weight.value_or(kDefaultClassWeight);
  }
  ClassConfig rest;
  rest.weight = kDefaultClassWeight;
  for (uint8_t pcp = 0; pcp < 8; ++pcp)
    if (!named[pcp]) rest.pcps.push_back(pcp);
  if (!rest.pcps.empty()) out.push_back(rest);
  return out;
}

std::size_t rule_count(const SliceConfig& slice) {
  std::size_t count = 0;
  for (const FlowspaceConfig& flowspace : slice.flowspaces) count += flowspace.matches.size();
  return count;
}

std::string forward_name(SliceConfig::Forward forward) {
  return forward == SliceConfig::Forward::wire ? "wire" : "switch";
}

std::string format_vnet(SliceConfig::Vnet vnet) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  for (const uint32_t half : {vnet.organisation, vnet.link}) {
    if (!out.empty()) out += ':';
    for (int shift = 28; shift >= 0; shift -= 4) out += kDigits[half >> shift & 15];
  }
  return out;
}

uint32_t default_workers() { return std::max<uint32_t>(static_cast<uint32_t>(usable_cores().size()), 2) - 1; }

}  // namespace bulkhead
