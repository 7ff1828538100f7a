// SPDX-License-Identifier: Apache-2.0
#include "nic/flow_rule.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <string_view>

namespace bulkhead {
namespace {

using Network = FlowPattern::Network;
using Tags = FlowPattern::Tags;
using Transport = FlowPattern::Transport;

std::string mac_text(uint64_t bits) {
  return fmt::format("{:02x}:{:02x}:{:02x}:{:02x}:{:02x}:{:02x}", bits >> 40 & 0xff, bits >> 32 & 0xff,
                     bits >> 24 & 0xff, bits >> 16 & 0xff, bits >> 8 & 0xff, bits & 0xff);
}

/// " dst is 02:00:00:00:00:01", or with a mask " dst spec ... dst mask ...".
void add_mac(std::string& out, std::string_view name, const Masked<uint64_t>& field) {
  constexpr uint64_t kAll = 0xffff'ffff'ffff;
  if (field.is_any()) return;
  if (field.mask == kAll)
    out += fmt::format(" {} is {}", name, mac_text(field.value));
  else
    out += fmt::format(" {} spec {} {} mask {}", name, mac_text(field.value), name, mac_text(field.mask));
}

template <class Number>
void add_number(std::string& out, std::string_view name, const Masked<Number>& field, unsigned all,
                unsigned shift = 0) {
  const auto value = unsigned{field.value} << shift;
  const auto mask = unsigned{field.mask} << shift;
  if (field.is_any()) return;
  if (mask == all)
    out += fmt::format(" {} is {}", name, value);
  else
    out += fmt::format(" {} spec {} {} mask {:#x}", name, value, name, mask);
}

void add_prefix(std::string& out, std::string_view name, const FlowPrefix& field, Network network) {
  if (field.is_any()) return;
  const bool v4 = network == Network::ipv4;
  std::array<char, INET6_ADDRSTRLEN> text{};
  inet_ntop(v4 ? AF_INET : AF_INET6, field.bytes.data(), text.data(), text.size());
  if (field.length == (v4 ? 32 : 128))
    out += fmt::format(" {} is {}", name, text.data());
  else
    out += fmt::format(" {} spec {} {} prefix {}", name, text.data(), name, field.length);
}

void add_ethernet(std::string& out, const FlowPattern& pattern) {
  out += "eth";
  add_mac(out, "dst", pattern.eth_dst);
  add_mac(out, "src", pattern.eth_src);
  if (pattern.tags != Tags::one) add_number(out, "type", pattern.ethertype, 0xffff);
  // Also where a type is asked for: devices compare the one behind the tags.
  if (pattern.tags == Tags::none) out += " has_vlan is 0";
}

void add_vlan(std::string& out, const FlowPattern& pattern) {
  out += " / vlan";
  add_number(out, "vid", pattern.vid, 0xfff);
  add_number(out, "pcp", pattern.pcp, 7);
  add_number(out, "inner_type", pattern.ethertype, 0xffff);
}

void add_network(std::string& out, const FlowPattern& pattern) {
  const bool v4 = pattern.network == Network::ipv4;
  out += v4 ? " / ipv4" : " / ipv6";
  add_prefix(out, "src", pattern.ip_src, pattern.network);
  add_prefix(out, "dst", pattern.ip_dst, pattern.network);
  add_number(out, "proto", pattern.ip_proto, 0xff);
  // The code point is the upper six bits of the octet (RFC 2474 3); testpmd has no name for these alone, and
  // a mask there is one of the octet.
  add_number(out, v4 ? "tos" : "tc", pattern.dscp, 0xff, 2);
}

void add_transport(std::string& out, const FlowPattern& pattern) {
  out += pattern.transport == Transport::tcp   ? " / tcp"
         : pattern.transport == Transport::udp ? " / udp"
                                               : " / sctp";
  add_number(out, "src", pattern.l4_src, 0xffff);
  add_number(out, "dst", pattern.l4_dst, 0xffff);
}

}  // namespace

std::string to_testpmd(const FlowRule& rule, unsigned device) {
  std::string out = fmt::format("flow create {} ingress ", device);
  if (rule.group != 0) out += fmt::format("group {} ", rule.group);
  if (rule.priority != 0) out += fmt::format("priority {} ", rule.priority);
  out += "pattern ";
  add_ethernet(out, rule.pattern);
  if (rule.pattern.tags == Tags::one) add_vlan(out, rule.pattern);
  if (rule.pattern.network != Network::any) add_network(out, rule.pattern);
  if (rule.pattern.transport != Transport::any) add_transport(out, rule.pattern);
  // A number alone sends nothing anywhere: the shared queue must be said too, and first (i40e, ixgbe).
  return out + (rule.action.kind == FlowAction::Kind::queue
                    ? fmt::format(" / end actions queue index {} / end", rule.action.queue.value())
                    : fmt::format(" / end actions queue index 0 / mark id {} / end", rule.action.mark));
}

}  // namespace bulkhead
