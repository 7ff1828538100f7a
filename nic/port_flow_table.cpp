// SPDX-License-Identifier: Apache-2.0
#include "nic/port_flow_table.hpp"

#include <fmt/format.h>
#include <netinet/in.h>
#include <rte_errno.h>
#include <rte_flow.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <span>

#include "nic/dpdk_log.hpp"

namespace bulkhead {
namespace {

using Network = FlowPattern::Network;
using Tags = FlowPattern::Tags;
using Transport = FlowPattern::Transport;

rte_be16_t be16(unsigned value) { return rte_cpu_to_be_16(static_cast<uint16_t>(value)); }

void store_mac(uint64_t bits, rte_ether_addr& address) {
  for (unsigned i = 0; i < 6; ++i) address.addr_bytes[i] = static_cast<uint8_t>(bits >> (40 - 8 * i));
}

/// The first `length` bits set.
void store_prefix_mask(uint8_t length, std::span<uint8_t> mask) {
  for (unsigned bit = 0; bit < length; ++bit) mask[bit / 8] |= static_cast<uint8_t>(0x80 >> bit % 8);
}

/// A pattern as rte_flow has it: items that point at specifications and masks, which live in here.
class Items {
 public:
  Items(const FlowPattern& pattern, const NicProfile& profile) {
    // Every field of a pattern is written by one of these: one more does not compile until it is.
    const auto& [tags, network, transport, eth_dst, eth_src, ethertype, vid, pcp, ip_src, ip_dst, ip_proto,
                 dscp, l4_src, l4_dst] = pattern;
    add_ethernet(tags, eth_dst, eth_src, ethertype);
    if (tags == Tags::one) add_vlan(vid, pcp, ethertype);
    if (network == Network::ipv4) add_ipv4(ip_src, ip_dst, ip_proto, dscp);
    if (network == Network::ipv6) add_ipv6(ip_src, ip_dst, ip_proto, dscp);
    if (transport != Transport::any) add_transport(transport, l4_src, l4_dst);
    if (profile.whole_five_tuple && profile.ip_proto != Compares::nothing) state_protocol(transport);
    add(RTE_FLOW_ITEM_TYPE_END, nullptr, nullptr, false);
  }
  Items(const Items&) = delete;
  Items& operator=(const Items&) = delete;

  [[nodiscard]] const rte_flow_item* data() const { return items_.data(); }

 private:
  template <class Header>
  struct Asked {
    Header spec{};
    Header mask{};
  };

  /// An item of which no bit is asked for has neither specification nor mask: some drivers refuse empty ones.
  void add(rte_flow_item_type type, const void* spec, const void* mask, bool asked) {
    items_[count_++] = {
        .type = type, .spec = asked ? spec : nullptr, .last = nullptr, .mask = asked ? mask : nullptr};
  }

  void add_ethernet(Tags tags, const Masked<uint64_t>& dst, const Masked<uint64_t>& src,
                    const Masked<uint16_t>& type) {
    store_mac(dst.value, ethernet_.spec.dst);
    store_mac(dst.mask, ethernet_.mask.dst);
    store_mac(src.value, ethernet_.spec.src);
    store_mac(src.mask, ethernet_.mask.src);
    const bool typed = tags != Tags::one && !type.is_any();
    if (typed) {
      ethernet_.spec.type = be16(type.value);
      ethernet_.mask.type = be16(type.mask);
    }
    const bool untagged = tags == Tags::none;
    if (untagged) ethernet_.mask.has_vlan = 1;
    add(RTE_FLOW_ITEM_TYPE_ETH, &ethernet_.spec, &ethernet_.mask,
        !dst.is_any() || !src.is_any() || typed || untagged);
  }

  void add_vlan(const Masked<uint16_t>& vid, const Masked<uint8_t>& pcp, const Masked<uint16_t>& type) {
    vlan_.spec.tci = be16(unsigned{pcp.value} << 13 | vid.value);
    vlan_.mask.tci = be16(unsigned{pcp.mask} << 13 | vid.mask);
    vlan_.spec.inner_type = be16(type.value);
    vlan_.mask.inner_type = be16(type.mask);
    add(RTE_FLOW_ITEM_TYPE_VLAN, &vlan_.spec, &vlan_.mask, !vid.is_any() || !pcp.is_any() || !type.is_any());
  }

  void add_ipv4(const FlowPrefix& src, const FlowPrefix& dst, const Masked<uint8_t>& proto,
                const Masked<uint8_t>& dscp) {
    std::memcpy(&ipv4_.spec.hdr.src_addr, src.bytes.data(), 4);
    std::memcpy(&ipv4_.spec.hdr.dst_addr, dst.bytes.data(), 4);
    store_prefix_mask(src.length, {reinterpret_cast<uint8_t*>(&ipv4_.mask.hdr.src_addr), 4});
    store_prefix_mask(dst.length, {reinterpret_cast<uint8_t*>(&ipv4_.mask.hdr.dst_addr), 4});
    ipv4_.spec.hdr.next_proto_id = proto.value;
    ipv4_.mask.hdr.next_proto_id = proto.mask;
    ipv4_.spec.hdr.type_of_service = static_cast<uint8_t>(dscp.value << 2);
    ipv4_.mask.hdr.type_of_service = static_cast<uint8_t>(dscp.mask << 2);
    add(RTE_FLOW_ITEM_TYPE_IPV4, &ipv4_.spec, &ipv4_.mask,
        !src.is_any() || !dst.is_any() || !proto.is_any() || !dscp.is_any());
  }

  void add_ipv6(const FlowPrefix& src, const FlowPrefix& dst, const Masked<uint8_t>& proto,
                const Masked<uint8_t>& dscp) {
    std::memcpy(ipv6_.spec.hdr.src_addr, src.bytes.data(), 16);
    std::memcpy(ipv6_.spec.hdr.dst_addr, dst.bytes.data(), 16);
    store_prefix_mask(src.length, ipv6_.mask.hdr.src_addr);
    store_prefix_mask(dst.length, ipv6_.mask.hdr.dst_addr);
    ipv6_.spec.hdr.proto = proto.value;
    ipv6_.mask.hdr.proto = proto.mask;
    // Version, traffic class (its upper six bits the DSCP) and flow label share a word (RFC 8200 3).
    ipv6_.spec.hdr.vtc_flow = rte_cpu_to_be_32(uint32_t{dscp.value} << 22);
    ipv6_.mask.hdr.vtc_flow = rte_cpu_to_be_32(uint32_t{dscp.mask} << 22);
    add(RTE_FLOW_ITEM_TYPE_IPV6, &ipv6_.spec, &ipv6_.mask,
        !src.is_any() || !dst.is_any() || !proto.is_any() || !dscp.is_any());
  }

  /// Where what follows the IP header is not looked at for it, the protocol stands in the IP header too.
  void state_protocol(Transport transport) {
    if (transport == Transport::any) return;
    ipv4_.spec.hdr.next_proto_id = transport == Transport::tcp   ? IPPROTO_TCP
                                   : transport == Transport::udp ? IPPROTO_UDP
                                                                 : IPPROTO_SCTP;
    ipv4_.mask.hdr.next_proto_id = 0xff;
  }

  /// TCP, UDP and SCTP headers begin with the same two ports.
  void add_transport(Transport transport, const Masked<uint16_t>& src, const Masked<uint16_t>& dst) {
    const bool asked = !src.is_any() || !dst.is_any();
    const auto fill = [&](auto& header) {
      header.spec.hdr.src_port = be16(src.value);
      header.mask.hdr.src_port = be16(src.mask);
      header.spec.hdr.dst_port = be16(dst.value);
      header.mask.hdr.dst_port = be16(dst.mask);
    };
    fill(tcp_);
    fill(udp_);
    fill(sctp_);
    if (transport == Transport::tcp) add(RTE_FLOW_ITEM_TYPE_TCP, &tcp_.spec, &tcp_.mask, asked);
    if (transport == Transport::udp) add(RTE_FLOW_ITEM_TYPE_UDP, &udp_.spec, &udp_.mask, asked);
    if (transport == Transport::sctp) add(RTE_FLOW_ITEM_TYPE_SCTP, &sctp_.spec, &sctp_.mask, asked);
  }

  std::array<rte_flow_item, 5> items_{};
  std::size_t count_ = 0;
  Asked<rte_flow_item_eth> ethernet_;
  Asked<rte_flow_item_vlan> vlan_;
  Asked<rte_flow_item_ipv4> ipv4_;
  Asked<rte_flow_item_ipv6> ipv6_;
  Asked<rte_flow_item_tcp> tcp_;
  Asked<rte_flow_item_udp> udp_;
  Asked<rte_flow_item_sctp> sctp_;
};

/// What becomes of the frames: a mark sends nothing anywhere, so the shared queue stands beside it.
class Actions {
 public:
  Actions(const FlowAction& action, bool counts)
      : mark_{.id = action.mark},
        queue_{.index = action.kind == FlowAction::Kind::queue ? action.queue.value() : uint16_t{0}} {
    if (counts) add(RTE_FLOW_ACTION_TYPE_COUNT, &count_spec_);
    // In this order: some drivers take no other.
    add(RTE_FLOW_ACTION_TYPE_QUEUE, &queue_);
    if (action.kind == FlowAction::Kind::mark) add(RTE_FLOW_ACTION_TYPE_MARK, &mark_);
    add(RTE_FLOW_ACTION_TYPE_END, nullptr);
  }
  Actions(const Actions&) = delete;
  Actions& operator=(const Actions&) = delete;

  [[nodiscard]] const rte_flow_action* data() const { return actions_.data(); }

 private:
  void add(rte_flow_action_type type, const void* conf) { actions_[count_++] = {.type = type, .conf = conf}; }

  rte_flow_action_count count_spec_{};
  rte_flow_action_mark mark_;
  rte_flow_action_queue queue_;
  std::array<rte_flow_action, 4> actions_{};
  std::size_t count_ = 0;
};

std::string words_of(const rte_flow_error& error, int code) {
  const char* const said = error.message != nullptr ? error.message : std::strerror(code < 0 ? -code : code);
  return fmt::format("{}{}", said, DpdkLog::take_last_line());
}

}  // namespace

PortFlowTable::PortFlowTable(uint16_t device, std::string port, const NicProfile& profile)
    : device_(device), port_(std::move(port)), profile_(profile) {}

PortFlowTable::~PortFlowTable() {
  rte_flow_error error{};
  for (const auto& [handle, rule] : rules_) rte_flow_destroy(device_, rule, &error);
  for (const auto& [group, ways] : ways_)
    for (rte_flow* const way : ways) rte_flow_destroy(device_, way, &error);
}

Result<FlowHandle> PortFlowTable::create(const FlowRule& rule) {
  if (auto led = lead_to(rule.group); !led) return std::unexpected(led.error());
  const Items items(rule.pattern, profile_);
  const Actions actions(rule.action, profile_.counts);
  const rte_flow_attr attributes{.group = rule.group,
                                 .priority = rule.priority,
                                 .ingress = 1,
                                 .egress = 0,
                                 .transfer = 0,
                                 .reserved = 0};
  rte_flow_error error{};
  rte_flow* const created = rte_flow_create(device_, &attributes, items.data(), actions.data(), &error);
  if (created == nullptr)
    return fail(fmt::format("port {}: rte_flow_create: {}; the rule was: {}", port_,
                            words_of(error, rte_errno), to_testpmd(rule, device_)));
  rules_.emplace(next_, created);
  return FlowHandle{next_++};
}

/// Frames enter group 0. From there they are led on to the group, which hands those that no rule of it has to
/// the shared queue: a group does not fall back to the one before, nor, in some devices, group 0 to that
/// queue.
Result<void> PortFlowTable::lead_to(uint8_t group) {
  if ((group == 0 && !profile_.spreads_rest) || ways_.contains(group)) return {};
  const std::array<rte_flow_item, 2> everything{
      rte_flow_item{.type = RTE_FLOW_ITEM_TYPE_ETH, .spec = nullptr, .last = nullptr, .mask = nullptr},
      rte_flow_item{.type = RTE_FLOW_ITEM_TYPE_END, .spec = nullptr, .last = nullptr, .mask = nullptr}};
  const rte_flow_action_jump jump{.group = group};
  const std::array<rte_flow_action, 2> jumping{
      rte_flow_action{.type = RTE_FLOW_ACTION_TYPE_JUMP, .conf = &jump},
      rte_flow_action{.type = RTE_FLOW_ACTION_TYPE_END, .conf = nullptr}};
  const Actions shared({.kind = FlowAction::Kind::queue, .queue = QueueId{0}}, false);
  std::vector<rte_flow*> ways;
  const auto lay = [&](uint32_t in, uint32_t priority, const rte_flow_action* actions) {
    const rte_flow_attr attributes{
        .group = in, .priority = priority, .ingress = 1, .egress = 0, .transfer = 0, .reserved = 0};
    rte_flow_error error{};
    rte_flow* const way = rte_flow_create(device_, &attributes, everything.data(), actions, &error);
    if (way != nullptr) ways.push_back(way);
    return way != nullptr ? std::string() : words_of(error, rte_errno);
  };
  // What every rule goes before.
  const uint32_t last = profile_.one_type_per_priority ? 255 : 1;
  std::string why = lay(group, last, shared.data());
  if (why.empty() && group != 0) why = lay(0, last, jumping.data());
  if (why.empty()) {
    ways_.emplace(group, std::move(ways));
    return {};
  }
  rte_flow_error error{};
  for (rte_flow* const way : ways) rte_flow_destroy(device_, way, &error);
  return fail(
      fmt::format("port {}: rte_flow_create: frames cannot be led to group {}: {}", port_, group, why));
}

Result<void> PortFlowTable::destroy(FlowHandle handle) {
  const auto found = rules_.find(handle.value);
  if (found == rules_.end()) return fail(fmt::format("port {}: there is no rule {}", port_, handle.value));
  rte_flow_error error{};
  const int code = rte_flow_destroy(device_, found->second, &error);
  rules_.erase(found);  // whatever the answer: DPDK does not say what a rule is after it
  if (code == 0) return {};
  return fail(fmt::format("port {}: rte_flow_destroy: {}", port_, words_of(error, code)));
}

Result<std::optional<uint64_t>> PortFlowTable::hits(FlowHandle handle) {
  const auto found = rules_.find(handle.value);
  if (found == rules_.end()) return fail(fmt::format("port {}: there is no rule {}", port_, handle.value));
  if (!profile_.counts) return std::nullopt;
  const std::array<rte_flow_action, 2> asked{
      rte_flow_action{.type = RTE_FLOW_ACTION_TYPE_COUNT, .conf = nullptr},
      rte_flow_action{.type = RTE_FLOW_ACTION_TYPE_END, .conf = nullptr}};
  rte_flow_query_count answer{};
  rte_flow_error error{};
  const int code = rte_flow_query(device_, found->second, asked.data(), &answer, &error);
  if (code != 0) return fail(fmt::format("port {}: rte_flow_query: {}", port_, words_of(error, code)));
  return answer.hits_set != 0 ? std::optional<uint64_t>(answer.hits) : std::nullopt;
}

}  // namespace bulkhead
