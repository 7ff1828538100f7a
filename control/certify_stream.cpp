// SPDX-License-Identifier: Apache-2.0
#include "control/certify_stream.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <span>
#include <utility>

#include "classifier/algebra.hpp"
#include "classifier/egress_tag.hpp"
#include "classifier/frame_builder.hpp"
#include "control/build_slice.hpp"
#include "control/egress_plan.hpp"
#include "control/entitlement.hpp"
#include "control/isolation.hpp"

namespace bulkhead {
namespace {

constexpr uint64_t kAllMacBits = 0xffff'ffff'ffff;
constexpr std::array<uint8_t, 9> kPcpsByPreference = {Headers::kNoPcp, 0, 1, 2, 3, 4, 5, 6, 7};
constexpr std::size_t kMostParts = 256;  // of an entry, between those that precede it

MacAddress station_at(PortId port) { return MacAddress{0x02'b4'00'00'00'00u + port.value()}; }
MaskedMac exactly(MacAddress address) { return {.value = address.bits(), .mask = kAllMacBits}; }

/// What the slice really gets of its flowspace at a port: without what entries of higher precedence take.
std::vector<Match> claimed_at(const Config& config, SliceId slice, PortId port) {
  const SliceConfig& own = config.slices[slice.value()];
  std::vector<Match> parts;
  for (Match entry : entries_at(own, port)) {
    entry.port = decltype(entry.port)::exactly(port.value());
    parts.push_back(entry);
  }
  for (const FlowspaceEntry& other : flowspace_entries(config)) {
    if (other.slice == slice || other.precedence <= own.precedence) continue;
    std::vector<Match> left;
    for (const Match& part : parts) {
      const bool apart = !intersect(part, other.match);
      const std::vector<Match> kept = apart ? std::vector{part} : subtract(part, other.match);
      left.insert(left.end(), kept.begin(), kept.end());
      if (left.size() > kMostParts) break;
    }
    parts = std::move(left);
  }
  return parts;
}

/// The parts, narrowed to what may leave at a port whose tag is not set there.
std::vector<Match> allowed_out(const std::vector<Match>& parts, const SliceConfig& slice, PortId egress) {
  const std::vector<Match> entries = entries_at(slice, egress);
  if (EgressTag(entries).is_single()) return parts;
  std::vector<Match> out;
  for (const Match& part : parts)
    for (const Match& entry : entries) {
      Match vlans;
      vlans.vlan = entry.vlan;
      if (auto both = intersect(part, vlans)) out.push_back(*both);
    }
  return out;
}

/// A frame of the match, with these addresses where the match leaves the choice.
std::optional<Headers> headers_between(const Match& match, MacAddress from, MacAddress to) {
  for (const auto& [src, dst] : {std::pair(true, true), {true, false}, {false, true}, {false, false}}) {
    Match wish;
    if (src) wish.eth_src = exactly(from);
    if (dst) wish.eth_dst = exactly(to);
    const auto both = intersect(match, wish);
    if (both) return witness(*both);
  }
  return std::nullopt;
}

uint8_t pcp_of(const SliceConfig& slice, const Headers& headers) {
  uint8_t pcp = headers.pcp;
  if (pcp == Headers::kNoPcp) {
    const bool from_dscp = slice.priority.from_dscp && headers.dscp != Headers::kNoDscp;
    pcp = from_dscp ? static_cast<uint8_t>(headers.dscp / 8) : slice.priority.default_pcp;
  }
  return std::min(pcp, slice.priority.max);
}

/// The slice's class that a PCP is in, by its place in the order of service.
std::size_t class_of(std::span<const ClassConfig> classes, uint8_t pcp) {
  const auto has_it = [pcp](const ClassConfig& served) {
    return std::ranges::find(served.pcps, pcp) != served.pcps.end();
  };
  return static_cast<std::size_t>(std::ranges::find_if(classes, has_it) - classes.begin());
}

/// Of the frames that may go from one port to the other, one of each class.
std::map<std::size_t, Headers> frames_between(const Config& config, SliceId id, PortId ingress,
                                              PortId egress) {
  const SliceConfig& slice = config.slices[id.value()];
  const std::vector<ClassConfig> classes = classes_of(slice);
  std::map<std::size_t, Headers> found;
  for (const Match& part : allowed_out(claimed_at(config, id, ingress), slice, egress))
    for (const uint8_t pcp : kPcpsByPreference) {
      if (found.size() == classes.size()) return found;
      Match wish = part;
      wish.pcp.bits = static_cast<uint16_t>(part.pcp.bits & 1u << pcp);
      if (is_empty(wish)) continue;
      const auto headers = headers_between(wish, station_at(ingress), station_at(egress));
      if (headers) found.emplace(class_of(classes, pcp_of(slice, *headers)), *headers);
    }
  return found;
}

/// From the stream's destination: a switch learns where that is. Without one it floods, which serves too.
std::vector<uint8_t> greeting_for(const Config& config, SliceId id, PortId egress, const Headers& headers) {
  Match wish;
  wish.eth_src = exactly(headers.eth_dst);
  const SliceConfig& slice = config.slices[id.value()];
  // Where VLANs differ by port the switch keeps one table for all.
  const auto tag = EgressTag(entries_at(slice, egress));
  if (!tag.is_single()) wish.vlan = decltype(wish.vlan)::exactly(headers.vlan.number());
  for (const Match& part : claimed_at(config, id, egress)) {
    const auto both = intersect(part, wish);
    if (!both) continue;
    if (const auto hello = headers_between(*both, headers.eth_dst, headers.eth_src))
      return build_frame(*hello);
  }
  return {};
}

Bytes wire_at(const SliceConfig& slice, PortId egress, const Headers& headers, std::size_t bytes) {
  const EgressTag tag(entries_at(slice, egress));
  if (tag.is_single() && tag.single().is_tagged() != headers.vlan.is_tagged())
    bytes = headers.vlan.is_tagged() ? bytes - kVlanTagSize : bytes + kVlanTagSize;
  return Bytes{bytes} + kWireOverhead;
}

}  // namespace

std::vector<TestStream> make_streams(const Config& config, SliceId slice, PortId egress,
                                     uint32_t frame_bytes) {
  const SliceConfig& own = config.slices[slice.value()];
  const std::vector<ClassConfig> classes = classes_of(own);
  std::vector<TestStream> streams;
  for (const PortId ingress : own.ports()) {
    if (ingress == egress) continue;
    for (const auto& [number, headers] : frames_between(config, slice, ingress, egress)) {
      std::vector<uint8_t> frame = build_frame(headers);
      frame.resize(std::max<std::size_t>(frame_bytes, frame.size() + kStampSize));
      const Bytes wire = wire_at(own, egress, headers, frame.size());
      const bool learns = own.forward == SliceConfig::Forward::learning_switch;
      streams.push_back(
          {.ingress = ingress,
           .egress = egress,
           .frame = std::move(frame),
           .wire = wire,
           .class_number = number,
           .class_ceiling = classes[number].ceiling.value_or(BitsPerSecond{0}),
           .greeting = learns ? greeting_for(config, slice, egress, headers) : std::vector<uint8_t>{}});
    }
    if (!streams.empty()) break;
  }
  return streams;
}

}  // namespace bulkhead
