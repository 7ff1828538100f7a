// SPDX-License-Identifier: Apache-2.0
#include "tests/support/simulated_nic.hpp"

#include <algorithm>
#include <tuple>

#include "nic/wire.hpp"

namespace bulkhead::test {
namespace {

using Network = FlowPattern::Network;
using Tags = FlowPattern::Tags;
using Transport = FlowPattern::Transport;

constexpr uint8_t kTcp = 6;
constexpr uint8_t kUdp = 17;
constexpr uint8_t kSctp = 132;

/// What a NIC's parser finds in a frame. It knows one tag, of the customer's type.
struct Seen {
  uint64_t dst = 0;
  uint64_t src = 0;
  bool tagged = false;
  uint16_t tci = 0;
  uint16_t outer_type = 0;
  uint16_t type = 0;  // behind the tag
  Network network = Network::any;
  std::span<const uint8_t> ip_src;
  std::span<const uint8_t> ip_dst;
  uint8_t proto = 0;
  uint8_t dscp = 0;
  Transport transport = Transport::any;
  uint16_t l4_src = 0;
  uint16_t l4_dst = 0;
};

void see_transport(std::span<const uint8_t> rest, Seen& seen) {
  if (rest.size() < 4) return;
  if (seen.proto == kTcp) seen.transport = Transport::tcp;
  if (seen.proto == kUdp) seen.transport = Transport::udp;
  if (seen.proto == kSctp) seen.transport = Transport::sctp;
  if (seen.transport == Transport::any) return;
  seen.l4_src = load_be16(rest.data());
  seen.l4_dst = load_be16(rest.data() + 2);
}

void see_ipv4(std::span<const uint8_t> ip, Seen& seen) {
  if (ip.size() < 20) return;
  const std::size_t header = (ip[0] & 0xfu) * 4;
  seen.network = Network::ipv4;
  seen.dscp = ip[1] >> 2;
  seen.proto = ip[9];
  seen.ip_src = ip.subspan(12, 4);
  seen.ip_dst = ip.subspan(16, 4);
  const bool later_fragment = (load_be16(ip.data() + 6) & 0x1fff) != 0;
  if (!later_fragment && header >= 20 && header <= ip.size()) see_transport(ip.subspan(header), seen);
}

void see_ipv6(std::span<const uint8_t> ip, Seen& seen) {
  if (ip.size() < 40) return;
  seen.network = Network::ipv6;
  seen.dscp = static_cast<uint8_t>((load_be16(ip.data()) >> 6) & 0x3f);
  seen.proto = ip[6];
  seen.ip_src = ip.subspan(8, 16);
  seen.ip_dst = ip.subspan(24, 16);
  see_transport(ip.subspan(40), seen);
}

Seen see(std::span<const uint8_t> frame) {
  Seen seen;
  if (frame.size() < 14) return seen;
  seen.dst = load_be48(frame.data());
  seen.src = load_be48(frame.data() + 6);
  seen.outer_type = seen.type = load_be16(frame.data() + 12);
  std::size_t at = 14;
  if (seen.type == 0x8100 && frame.size() >= 18) {
    seen.tagged = true;
    seen.tci = load_be16(frame.data() + 14);
    seen.type = load_be16(frame.data() + 16);
    at = 18;
  }
  if (seen.type == 0x0800) see_ipv4(frame.subspan(at), seen);
  if (seen.type == 0x86dd) see_ipv6(frame.subspan(at), seen);
  return seen;
}

bool begins_with(std::span<const uint8_t> address, const FlowPrefix& prefix) {
  for (unsigned bit = 0; bit < prefix.length; ++bit) {
    const int mask = 0x80 >> bit % 8;
    if ((address[bit / 8] & mask) != (prefix.bytes[bit / 8] & mask)) return false;
  }
  return true;
}

bool has_tags(const FlowPattern& pattern, const NicProfile& profile, const Seen& seen) {
  if (pattern.tags == Tags::one)
    return seen.tagged && pattern.vid.matches(seen.tci & 0xfff) &&
           pattern.pcp.matches(static_cast<uint8_t>(seen.tci >> 13));
  if (pattern.tags == Tags::none) return !seen.tagged;
  return pattern.network == Network::any || profile.sees_through_tags || !seen.tagged;
}

bool has_packet_type(const FlowPattern& pattern, const NicProfile& profile, const Seen& seen) {
  if (pattern.network != Network::any && pattern.network != seen.network) return false;
  if (pattern.transport != Transport::any && pattern.transport != seen.transport) return false;
  if (!profile.per_packet_type) return true;
  return pattern.network == seen.network && pattern.transport == seen.transport;
}

// --- Limits ---

template <class Number>
bool compares(Compares can, const Masked<Number>& field, Number all) {
  if (field.is_any() || can == Compares::bits) return true;
  return can == Compares::whole && field.mask == all;
}

bool compares(Compares can, const FlowPrefix& field, uint8_t whole) {
  if (field.is_any() || can == Compares::bits || can == Compares::prefix) return true;
  return can == Compares::whole && field.length == whole;
}

std::optional<std::string> field_refusal(const FlowPattern& pattern, const NicProfile& nic) {
  constexpr uint64_t kWholeMac = 0xffff'ffff'ffff;
  const bool v4 = pattern.network == Network::ipv4;
  const Compares address = v4 ? nic.ipv4 : nic.ipv6;
  const uint8_t whole = v4 ? 32 : 128;
  if (!compares(nic.mac, pattern.eth_dst, kWholeMac) || !compares(nic.mac, pattern.eth_src, kWholeMac))
    return "MAC address";
  if (!compares<uint16_t>(nic.ethertype, pattern.ethertype, 0xffff)) return "ethertype";
  if (!compares<uint16_t>(nic.vid, pattern.vid, 0xfff)) return "VID";
  if (!compares<uint8_t>(nic.pcp, pattern.pcp, 7)) return "PCP";
  if (!compares(address, pattern.ip_src, whole) || !compares(address, pattern.ip_dst, whole))
    return "address";
  if (!compares<uint8_t>(nic.ip_proto, pattern.ip_proto, 0xff)) return "protocol";
  if (!compares<uint8_t>(nic.dscp, pattern.dscp, 0x3f)) return "DSCP";
  if (!compares<uint16_t>(nic.l4, pattern.l4_src, 0xffff) ||
      !compares<uint16_t>(nic.l4, pattern.l4_dst, 0xffff))
    return "L4 port";
  return std::nullopt;
}

/// A field whose protocol does not stand in the pattern.
bool is_nonsense(const FlowPattern& p) {
  const bool network = p.network != Network::any;
  return (network && !p.ethertype.is_any()) ||
         (p.tags != Tags::one && (!p.vid.is_any() || !p.pcp.is_any())) ||
         (!network && (!p.ip_src.is_any() || !p.ip_dst.is_any() || !p.dscp.is_any() || !p.ip_proto.is_any() ||
                       p.transport != Transport::any)) ||
         (p.transport != Transport::any && !p.ip_proto.is_any()) ||
         (p.transport == Transport::any && (!p.l4_src.is_any() || !p.l4_dst.is_any()));
}

/// Fields asked for, with their masks: what rules must have in common on some.
FlowPattern masks_of(FlowPattern p) {
  p.eth_dst.value = p.eth_src.value = 0;
  p.ethertype.value = p.vid.value = p.l4_src.value = p.l4_dst.value = 0;
  p.pcp.value = p.ip_proto.value = p.dscp.value = 0;
  p.ip_src.bytes = p.ip_dst.bytes = {};
  return p;
}

}  // namespace

std::optional<std::string> refusal_of(const FlowPattern& pattern, const NicProfile& nic) {
  const bool network = pattern.network != Network::any;
  const bool mac = !pattern.eth_dst.is_any() || !pattern.eth_src.is_any();
  if (is_nonsense(pattern)) return "a field without its protocol";
  if (!network && !nic.takes_ethernet_alone) return "pattern ends at Ethernet";
  if (!network && pattern.tags == Tags::one && nic.network_behind_vlan) return "pattern ends at VLAN";
  if (network && pattern.transport == Transport::any && !nic.takes_network_alone) return "pattern ends at IP";
  if (pattern.transport == Transport::sctp && !nic.takes_sctp) return "SCTP";
  if (network && pattern.tags == Tags::one && !nic.vlan_before_network) return "VLAN before IP";
  if (network && mac && !nic.mac_before_network) return "MAC address before IP";
  if (pattern.tags == Tags::none && !nic.asks_for_untagged) return "has_vlan";
  if (nic.whole_five_tuple && (pattern.l4_src.is_any() || pattern.l4_dst.is_any() ||
                               pattern.ip_src.is_any() || pattern.ip_dst.is_any()))
    return "not a whole 5-tuple";
  return field_refusal(pattern, nic);
}

bool has_frame(const FlowPattern& pattern, const NicProfile& profile, std::span<const uint8_t> frame) {
  const Seen seen = see(frame);
  if (!has_packet_type(pattern, profile, seen) || !has_tags(pattern, profile, seen)) return false;
  if (!pattern.eth_dst.matches(seen.dst) || !pattern.eth_src.matches(seen.src)) return false;
  const bool behind_tag = pattern.tags == Tags::one || profile.sees_through_tags;
  const uint16_t type = behind_tag ? seen.type : seen.outer_type;
  if (!pattern.ethertype.matches(type)) return false;
  if (pattern.network != Network::any &&
      (!begins_with(seen.ip_src, pattern.ip_src) || !begins_with(seen.ip_dst, pattern.ip_dst) ||
       !pattern.ip_proto.matches(seen.proto) || !pattern.dscp.matches(seen.dscp)))
    return false;
  return pattern.transport == Transport::any ||
         (pattern.l4_src.matches(seen.l4_src) && pattern.l4_dst.matches(seen.l4_dst));
}

std::optional<Error> SimulatedNic::next_call() {
  const std::size_t call = calls_++;
  return fault ? fault(call) : std::nullopt;
}

Result<FlowHandle> SimulatedNic::create(const FlowRule& rule) {
  if (auto error = next_call()) return std::unexpected(std::move(*error));
  if (auto why = refusal_of(rule.pattern, profile_)) return fail(*why + ": " + to_testpmd(rule));
  const bool knows_action =
      rule.action.kind == FlowAction::Kind::queue ? profile_.to_queue : profile_.to_mark;
  if (!knows_action) return fail("action not supported");
  if (rule.group != profile_.group) return fail("wrong group");
  if (rules_.size() >= profile_.most_rules) return fail("table full");
  if (patterns_.contains(rule.pattern)) return fail("rule exists: " + to_testpmd(rule));
  if (!agrees_with_others(rule.pattern)) return fail("another mask is set");
  if (profile_.one_type_per_priority && !has_priority_for(rule)) return fail("another type has the priority");
  patterns_.insert(rule.pattern);
  rules_.emplace(next_, Entry{.rule = rule, .since = frames_ + (late ? late() : 0)});
  return FlowHandle{next_++};
}

bool SimulatedNic::agrees_with_others(const FlowPattern& pattern) const {
  if (!profile_.one_mask && !profile_.one_input_set) return true;
  return std::ranges::all_of(patterns_, [&](const FlowPattern& other) {
    const bool of_kind = other.network == pattern.network && other.transport == pattern.transport;
    return (!profile_.one_mask && !of_kind) || masks_of(other) == masks_of(pattern);
  });
}

/// Rules of one priority are for frames of one type.
bool SimulatedNic::has_priority_for(const FlowRule& rule) const {
  const auto type = [](const FlowPattern& pattern) {
    return std::tuple{pattern.tags, pattern.network, pattern.ethertype};
  };
  return std::ranges::all_of(rules_, [&](const auto& one) {
    const FlowRule& other = one.second.rule;
    return other.priority != rule.priority || type(other.pattern) == type(rule.pattern);
  });
}

Result<void> SimulatedNic::destroy(FlowHandle handle) {
  if (auto error = next_call()) return std::unexpected(std::move(*error));
  const auto found = rules_.find(handle.value);
  if (found == rules_.end()) return fail("no such rule");
  if (late) gone_.push_back({.rule = found->second.rule, .until = frames_ + late()});
  patterns_.erase(found->second.rule.pattern);
  rules_.erase(found);
  return {};
}

void SimulatedNic::lose_rules() {
  rules_.clear();
  patterns_.clear();
}

void SimulatedNic::lose_rule(std::size_t which) {
  const auto lost = std::next(rules_.begin(), static_cast<long>(which));
  patterns_.erase(lost->second.rule.pattern);
  rules_.erase(lost);
}

Result<std::optional<uint64_t>> SimulatedNic::hits(FlowHandle handle) {
  const auto found = rules_.find(handle.value);
  if (found == rules_.end()) return fail("no such rule");
  return profile_.counts ? std::optional(found->second.hits) : std::nullopt;
}

std::optional<FlowAction> SimulatedNic::steer(std::span<const uint8_t> frame) {
  ++frames_;
  const Seen seen = misread ? see(frame) : Seen{};
  if (!seen.tagged) return steer_as_seen(frame);
  std::vector<uint8_t> misread_frame(frame.begin(), frame.end());
  const auto tci = static_cast<uint16_t>((seen.tci & 0xf000) | misread(seen.tci & 0xfff));
  store_be16(misread_frame.data() + 14, tci);
  return steer_as_seen(misread_frame);
}

std::optional<FlowAction> SimulatedNic::steer_as_seen(std::span<const uint8_t> frame) {
  std::erase_if(gone_, [&](const Gone& gone) { return gone.until < frames_; });
  for (const Gone& gone : gone_)
    if (has_frame(gone.rule.pattern, profile_, frame)) return gone.rule.action;
  for (auto& [handle, entry] : rules_) {
    if (entry.since > frames_ || !has_frame(entry.rule.pattern, profile_, frame)) continue;
    ++entry.hits;
    return entry.rule.action;
  }
  return std::nullopt;
}

std::size_t SimulatedNic::rules_for(std::span<const uint8_t> frame) const {
  return static_cast<std::size_t>(std::ranges::count_if(
      rules_, [&](const auto& one) { return has_frame(one.second.rule.pattern, profile_, frame); }));
}

std::vector<FlowRule> SimulatedNic::rules() const {
  std::vector<FlowRule> out;
  for (const auto& [handle, entry] : rules_) out.push_back(entry.rule);
  return out;
}

}  // namespace bulkhead::test
