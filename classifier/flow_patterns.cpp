// SPDX-License-Identifier: Apache-2.0
#include "classifier/flow_patterns.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <optional>
#include <string_view>

#include "classifier/protocols.hpp"

namespace bulkhead {
namespace {

using Network = FlowPattern::Network;
using Tags = FlowPattern::Tags;
using Transport = FlowPattern::Transport;
using Patterns = std::vector<FlowPattern>;

/// Enumerating more single values than this is not worth it, where a NIC compares whole fields only.
constexpr uint32_t kMostValues = 16;

template <class Number>
using Values = std::vector<Masked<Number>>;

/// The interval as the fewest pairs of value and mask, of a field of `width` bits.
template <class Number>
Values<Number> masks_of(uint32_t first, uint32_t last, unsigned width) {
  const uint32_t all = (1u << width) - 1;
  Values<Number> out;
  for (uint64_t at = first; at <= last;) {
    uint64_t size = at == 0 ? uint64_t{1} << width : at & (~at + 1);
    while (at + size - 1 > last) size >>= 1;
    out.push_back({static_cast<Number>(at), static_cast<Number>(all & ~(size - 1))});
    at += size;
  }
  return out;
}

/// Says why a field cannot be asked for.
class Refusal {
 public:
  explicit Refusal(const NicProfile& nic) : nic_(nic) {}
  void add(std::string why) {
    if (why_.empty()) why_ = std::move(why);
  }
  void add_field(std::string_view field, Compares can, std::size_t values) {
    if (can == Compares::nothing)
      add(fmt::format("{} compares no {}", nic_.name, field));
    else
      add(fmt::format("{} compares whole {}s only, and there are {}", nic_.name, field, values));
  }
  [[nodiscard]] const std::string& why() const { return why_; }

 private:
  const NicProfile& nic_;
  std::string why_;
};

/// What a field must hold for its number to lie in first..last, a part of its domain 0..2^width-1. Empty: the
/// NIC cannot say it.
template <class Number>
Values<Number> values_in(uint32_t first, uint32_t last, unsigned width, Compares can) {
  const uint32_t all = (1u << width) - 1;
  if (first == 0 && last >= all) return {{}};
  if (can == Compares::bits) return masks_of<Number>(first, std::min(last, all), width);
  if (can == Compares::nothing || last - first >= kMostValues) return {};
  Values<Number> out;
  for (uint32_t value = first; value <= last; ++value)
    out.push_back({static_cast<Number>(value), static_cast<Number>(all)});
  return out;
}

/// Every pattern with every value.
template <class Value>
Patterns product(const Patterns& patterns, Value FlowPattern::* field, const std::vector<Value>& values) {
  Patterns out;
  out.reserve(patterns.size() * values.size());
  for (const FlowPattern& pattern : patterns)
    for (const Value& value : values) (out.emplace_back(pattern).*field) = value;
  return out;
}

bool has_any_l4(const Match& match) { return match.l4_src.is_any() && match.l4_dst.is_any(); }

bool has_any_ip(const Match& match) {
  return match.ip_src.is_any() && match.ip_dst.is_any() && match.ip_proto.is_any() && match.dscp.is_any() &&
         has_any_l4(match);
}

bool may_lack_ip(const Match& match) {
  return match.ip_src.absent && match.ip_dst.absent && match.ip_proto.matches(Headers::kNoIpProto) &&
         match.dscp.matches(Headers::kNoDscp) && match.l4_src.matches(Headers::kNoL4Port) &&
         match.l4_dst.matches(Headers::kNoL4Port);
}

bool may_be(const Match& match, Network network) {
  const bool v4 = network == Network::ipv4;
  const bool addresses = v4 ? match.ip_src.v4 && match.ip_dst.v4 : match.ip_src.v6 && match.ip_dst.v6;
  return addresses && match.ethertype.matches(v4 ? kEthertypeIpv4 : kEthertypeIpv6) &&
         match.ip_proto.first < Headers::kNoIpProto && match.dscp.first < Headers::kNoDscp;
}

constexpr std::array kTransports{std::pair{Transport::tcp, kProtoTcp}, std::pair{Transport::udp, kProtoUdp},
                                 std::pair{Transport::sctp, kProtoSctp}};

/// Builds the patterns of one match, protocol by protocol and then field by field.
class Builder {
 public:
  Builder(const Match& match, const NicProfile& nic) : match_(match), nic_(nic), refusal_(nic) {}

  std::expected<FlowPatterns, std::string> run() {
    for (const FlowPattern& network : networks())
      for (const FlowPattern& stack : with_tags(network))
        for (const FlowPattern& typed : with_transport(stack)) add_fields(typed);
    if (!refusal_.why().empty()) return std::unexpected(refusal_.why());
    if (out_.patterns.empty()) return std::unexpected("its frames are of a kind that no rule names");
    if (out_.patterns.size() > kMostFlowPatterns)
      return std::unexpected(fmt::format("it would take {} rules, and {} for one entry are the most",
                                         out_.patterns.size(), kMostFlowPatterns));
    return std::move(out_);
  }

 private:
  // --- What follows Ethernet and the tags ---

  static FlowPattern of_type(uint16_t ethertype) {
    FlowPattern pattern;
    if (ethertype == kEthertypeIpv4) pattern.network = Network::ipv4;
    if (ethertype == kEthertypeIpv6) pattern.network = Network::ipv6;
    if (pattern.network == Network::any) pattern.ethertype = {ethertype, 0xffff};
    return pattern;
  }

  Patterns networks() {
    if (match_.ethertype.is_any() && has_any_ip(match_) && !is_just_untagged()) return {FlowPattern{}};
    Patterns out;
    if (may_be(match_, Network::ipv4)) out.push_back(of_type(kEthertypeIpv4));
    if (may_be(match_, Network::ipv6)) out.push_back(of_type(kEthertypeIpv6));
    const auto& types = match_.ethertype;
    if (!may_lack_ip(match_)) return out;
    if (types.first != types.last) {
      if (!types.is_any()) out_.left_out = "ethertypes other than those of IP and ARP";
      if (types.matches(kEthertypeArp)) out.push_back(of_type(kEthertypeArp));
    } else if (types.first >= kFirstEthertype && out.empty() && types.first != kEthertypeCustomerTag &&
               types.first != kEthertypeServiceTag) {
      out.push_back(of_type(static_cast<uint16_t>(types.first)));
    }
    return out;
  }

  // --- Tags ---

  [[nodiscard]] bool may_be_tagged() const {
    return match_.vlan.first < Vlan::kUntagged && (match_.pcp.bits & 0xff) != 0;
  }
  [[nodiscard]] bool may_be_untagged() const {
    return match_.vlan.matches(Vlan::kUntagged) && match_.pcp.matches(Headers::kNoPcp);
  }
  [[nodiscard]] bool is_just_untagged() const { return may_be_untagged() && !may_be_tagged(); }

  Patterns with_tags(FlowPattern pattern) {
    const bool any_type = pattern.network == Network::any && pattern.ethertype.is_any();
    if (match_.vlan.is_any() && match_.pcp.is_any()) {
      // All frames; or all of a type, where the NIC looks behind tags by itself.
      if (any_type || nic_.sees_through_tags) return {pattern};
    }
    Patterns out;
    if (may_be_untagged()) add_untagged(pattern, any_type, out);
    if (may_be_tagged()) {
      pattern.tags = Tags::one;
      out.push_back(pattern);
    }
    return out;
  }

  void add_untagged(FlowPattern pattern, bool any_type, Patterns& out) {
    if (any_type) {
      // What follows the addresses must be said: a NIC may take a service tag for any other type.
      for (const uint16_t type : {kEthertypeIpv4, kEthertypeIpv6, kEthertypeArp})
        add_untagged(of_type(type), false, out);
      return;
    }
    if (nic_.sees_through_tags) {
      if (!nic_.asks_for_untagged)
        return refusal_.add(fmt::format("{} cannot tell untagged frames from tagged ones", nic_.name));
      pattern.tags = Tags::none;
    }
    out.push_back(pattern);
  }

  // --- Transport ---

  Patterns with_transport(const FlowPattern& pattern) {
    if (pattern.network == Network::any)
      return pattern.ethertype.is_any() && nic_.per_packet_type ? all_packet_types(pattern)
                                                                : Patterns{pattern};
    const bool any = has_any_l4(match_);
    const auto& protocols = match_.ip_proto;
    const bool needs_item = nic_.ip_proto == Compares::nothing && !is_any_protocol();
    const bool is_other = any && nic_.per_packet_type && protocols.first == protocols.last &&
                          !has_ports(static_cast<uint16_t>(protocols.first));
    if (any && !needs_item && (!nic_.per_packet_type || is_other)) return {pattern};
    Patterns out;
    for (const auto& [transport, number] : kTransports)
      if (protocols.matches(number)) out.emplace_back(pattern).transport = transport;
    if (any && nic_.per_packet_type && is_any_protocol()) out.push_back(pattern);
    const std::size_t named = out.size();
    if (protocols.last - protocols.first + 1 > named && !is_any_protocol())
      out_.left_out = "IP protocols without L4 ports";
    if (!any && is_any_protocol()) out_.left_out = "IP protocols without L4 ports";
    if (!nic_.takes_sctp)
      std::erase_if(out, [](const FlowPattern& one) { return one.transport == Transport::sctp; });
    if (out.empty()) refusal_.add(fmt::format("{} does not tell its IP protocol", nic_.name));
    return out;
  }

  [[nodiscard]] bool is_any_protocol() const {
    return match_.ip_proto.first == 0 && match_.ip_proto.last >= Headers::kNoIpProto - 1;
  }

  Patterns all_packet_types(const FlowPattern& pattern) const {
    Patterns out{pattern};
    for (const Network network : {Network::ipv4, Network::ipv6})
      for (const Transport transport : {Transport::any, Transport::tcp, Transport::udp, Transport::sctp}) {
        if (transport == Transport::sctp && !nic_.takes_sctp) continue;
        FlowPattern& typed = out.emplace_back(pattern);
        typed.network = network;
        typed.transport = transport;
      }
    return out;
  }

  // --- Fields ---

  void add_fields(const FlowPattern& stack) {
    // Every field of a match must be looked at here or above: one more does not compile until it is.
    const auto& [port, vlan, pcp, eth_dst, eth_src, ethertype, ip_src, ip_dst, ip_proto, dscp, l4_src,
                 l4_dst] = match_;
    if (!takes_stack(stack)) return;
    Patterns patterns{stack};
    const bool done = add_mac(patterns, &FlowPattern::eth_dst, eth_dst) &&
                      add_mac(patterns, &FlowPattern::eth_src, eth_src) && takes_ethertype(stack) &&
                      (stack.tags != Tags::one || add_tag(patterns, vlan, pcp)) &&
                      (stack.network == Network::any ||
                       (add_prefix(patterns, &FlowPattern::ip_src, ip_src) &&
                        add_prefix(patterns, &FlowPattern::ip_dst, ip_dst) &&
                        add_interval(patterns, &FlowPattern::dscp, dscp, 6, nic_.dscp, "DSCP") &&
                        add_protocol(patterns, ip_proto))) &&
                      (stack.transport == Transport::any ||
                       (add_interval(patterns, &FlowPattern::l4_src, l4_src, 16, nic_.l4, "L4 port") &&
                        add_interval(patterns, &FlowPattern::l4_dst, l4_dst, 16, nic_.l4, "L4 port")));
    if (!done) return;
    for (const FlowPattern& pattern : patterns)
      if (is_five_tuple(pattern)) out_.patterns.push_back(pattern);
  }

  bool takes_stack(const FlowPattern& stack) {
    const bool ends_at_ethernet = stack.network == Network::any;
    const bool has_mac = !match_.eth_dst.is_any() || !match_.eth_src.is_any();
    if (ends_at_ethernet && !nic_.takes_ethernet_alone)
      refusal_.add(fmt::format("{} takes no rule without IP", nic_.name));
    else if (ends_at_ethernet && stack.tags == Tags::one && nic_.network_behind_vlan)
      refusal_.add(fmt::format("{} takes no VLAN without IP", nic_.name));
    else if (!ends_at_ethernet && stack.transport == Transport::any && !nic_.takes_network_alone)
      refusal_.add(fmt::format("{} takes no rule without an L4 protocol", nic_.name));
    else if (!ends_at_ethernet && stack.tags == Tags::one && !nic_.vlan_before_network)
      refusal_.add(fmt::format("{} takes no VLAN together with IP", nic_.name));
    else if (!ends_at_ethernet && has_mac && !nic_.mac_before_network)
      refusal_.add(fmt::format("{} takes no MAC address together with IP", nic_.name));
    else
      return true;
    return false;
  }

  bool takes_ethertype(const FlowPattern& stack) {
    if (stack.ethertype.is_any() || nic_.ethertype != Compares::nothing) return true;
    return refusal_.add_field("ethertype", nic_.ethertype, 1), false;
  }

  bool is_five_tuple(const FlowPattern& pattern) {
    const uint8_t whole = pattern.network == Network::ipv4 ? 32 : 128;
    const bool complete = pattern.transport != Transport::any && pattern.ip_src.length == whole &&
                          pattern.ip_dst.length == whole && !pattern.l4_src.is_any() &&
                          !pattern.l4_dst.is_any();
    if (!nic_.whole_five_tuple || complete) return true;
    return refusal_.add(fmt::format("{} takes rules with both addresses and both L4 ports only", nic_.name)),
           false;
  }

  bool add_mac(Patterns& patterns, Masked<uint64_t> FlowPattern::* field, const MaskedMac& wanted) {
    constexpr uint64_t kAll = 0xffff'ffff'ffff;
    if (wanted.is_any()) return true;
    if (nic_.mac != Compares::bits && (nic_.mac == Compares::nothing || wanted.mask != kAll))
      return refusal_.add(nic_.mac == Compares::nothing
                              ? fmt::format("{} compares no MAC address", nic_.name)
                              : fmt::format("{} compares whole MAC addresses only", nic_.name)),
             false;
    for (FlowPattern& pattern : patterns) pattern.*field = {wanted.value, wanted.mask};
    return true;
  }

  bool add_tag(Patterns& patterns, const Interval<Vlan::kCount - 1>& vlan, const PcpSet& pcp) {
    constexpr uint32_t kLastVid = Vlan::kUntagged - 1;
    // The reserved VID comes along where all are asked for, and is malformed wherever it goes.
    const bool all = vlan.first == 0 && vlan.last >= kLastVid;
    const auto vids = all ? Values<uint16_t>{{}}
                          : values_in<uint16_t>(vlan.first, std::min(vlan.last, kLastVid), 12, nic_.vid);
    if (vids.empty())
      return refusal_.add_field("VLAN", nic_.vid, std::min(vlan.last, kLastVid) - vlan.first + 1), false;
    const auto pcps = pcps_of(pcp);
    if (pcps.empty())
      return refusal_.add_field("PCP", nic_.pcp, static_cast<std::size_t>(std::popcount(pcp.bits))), false;
    patterns = product(product(patterns, &FlowPattern::vid, vids), &FlowPattern::pcp, pcps);
    return true;
  }

  [[nodiscard]] Values<uint8_t> pcps_of(const PcpSet& pcp) const {
    if ((pcp.bits & 0xff) == 0xff) return {{}};
    if (nic_.pcp == Compares::nothing) return {};
    Values<uint8_t> out;
    for (uint8_t first = 0; first < 8; ++first) {
      if (!pcp.matches(first)) continue;
      uint8_t last = first;
      while (last < 7 && pcp.matches(last + 1)) ++last;
      const auto run = values_in<uint8_t>(first, last, 3, nic_.pcp);
      out.insert(out.end(), run.begin(), run.end());
      first = last;
    }
    return out;
  }

  bool add_prefix(Patterns& patterns, FlowPrefix FlowPattern::* field, const IpSet& wanted) {
    for (FlowPattern& pattern : patterns) {
      const bool v4 = pattern.network == Network::ipv4;
      const IpPrefix& prefix = v4 ? *wanted.v4 : *wanted.v6;
      const Compares can = v4 ? nic_.ipv4 : nic_.ipv6;
      const std::string_view family = v4 ? "IPv4" : "IPv6";
      if (prefix.length == 0) continue;
      if (can == Compares::nothing)
        return refusal_.add(fmt::format("{} compares no {} address", nic_.name, family)), false;
      if (can == Compares::whole && prefix.length != (v4 ? 32 : 128))
        return refusal_.add(fmt::format("{} compares whole {} addresses only", nic_.name, family)), false;
      pattern.*field = {prefix.bytes, prefix.length};
    }
    return true;
  }

  template <class Number, uint32_t kLast>
  bool add_interval(Patterns& patterns, Masked<Number> FlowPattern::* field, const Interval<kLast>& wanted,
                    unsigned width, Compares can, std::string_view name) {
    const uint32_t last = std::min(wanted.last, (1u << width) - 1);
    if (wanted.first > last) return false;  // only frames without the field
    const auto values = values_in<Number>(wanted.first, last, width, can);
    if (values.empty()) return refusal_.add_field(name, can, last - wanted.first + 1), false;
    patterns = product(patterns, field, values);
    if (patterns.size() <= kMostFlowPatterns) return true;
    return refusal_.add(fmt::format("it would take {} rules, and {} for one entry are the most",
                                    patterns.size(), kMostFlowPatterns)),
           false;
  }

  /// Says the protocol of the IP header, where no L4 header in the stack does.
  bool add_protocol(Patterns& patterns, const Interval<Headers::kNoIpProto>& wanted) {
    if (patterns.front().transport != Transport::any || is_any_protocol()) return true;
    const bool v6 = patterns.front().network == Network::ipv6;
    // What follows the IPv6 header need not be the protocol: an extension header hides it, and where it is
    // what is asked for, it is not what a flowspace means.
    if (v6 && wanted.first != wanted.last) {
      out_.left_out = "IPv6 by a range of protocols";
      return false;
    }
    if (v6 && is_ipv6_extension(static_cast<uint8_t>(wanted.first))) return false;
    return add_interval(patterns, &FlowPattern::ip_proto, wanted, 8, nic_.ip_proto, "IP protocol");
  }

  const Match& match_;
  const NicProfile& nic_;
  Refusal refusal_;
  FlowPatterns out_;
};

}  // namespace

std::expected<FlowPatterns, std::string> flow_patterns(const Match& match, const NicProfile& nic) {
  if (nic.most_rules == 0) return std::unexpected(std::string(kTakesNoFlowRules));
  return Builder(match, nic).run();
}

}  // namespace bulkhead
