// SPDX-License-Identifier: Apache-2.0
// [[slice.flowspace]]: which frames are the slice's, as one Match for each port that the entry names.
#include <algorithm>

#include "control/config_match_fields.hpp"
#include "control/config_sections.hpp"

namespace bulkhead {
namespace {

constexpr uint32_t kTcp = 6, kUdp = 17, kSctp = 132;

/// The value of a field that is written as a number or as text.
std::optional<std::string> number_or_text(TableReader& table, const TomlMember& member,
                                          std::string_view example) {
  if (const auto* number = member.value.as<int64_t>()) return std::to_string(*number);
  if (const auto* text = member.value.as<std::string>()) return *text;
  table.fault(member, "is " + std::string(member.value.kind()) + "; write " + std::string(example));
  return {};
}

/// Reads a field with `parse`, from a number or from text.
template <class Parse>
auto read_field(TableReader& table, std::string_view key, std::string_view example, Parse parse)
    -> std::optional<typename decltype(parse(std::string_view{}))::value_type> {
  const TomlMember* member = table.find(key);
  if (member == nullptr) return {};
  const auto text = number_or_text(table, *member, example);
  if (!text) return {};
  auto value = parse(*text);
  if (value) return *std::move(value);
  const bool number = member->value.as<int64_t>() != nullptr;
  table.fault(*member, (number ? *text : in_quotes(*text)) + " " + value.error());
  return {};
}

void add_port(TableReader& table, const TomlNode& node, const PortNames& ports, FlowspaceConfig& out) {
  const auto* name = node.as<std::string>();
  if (name == nullptr)
    return table.fault_at(node.at,
                          "port is " + std::string(node.kind()) + "; write a port's name or a list of names");
  const auto id = ports.find(*name);
  if (!id)
    return table.fault_at(node.at,
                          "no [[port]] is named " + in_quotes(*name) + suggestion(*name, ports.names()));
  if (std::ranges::find(out.ports, *id) != out.ports.end())
    return table.fault_at(node.at, "port " + in_quotes(*name) + " is named twice; name each port once");
  out.ports.push_back(*id);
}

void read_ports(TableReader& table, const PortNames& ports, FlowspaceConfig& out) {
  const TomlMember* member = table.require("port", "port = \"NAME\" or port = [\"NAME\", \"NAME\"]");
  if (member == nullptr) return;
  const auto* array = member->value.as<TomlNode::Array>();
  if (array == nullptr) return add_port(table, member->value, ports, out);
  if (array->empty()) table.fault(*member, "is an empty list; name at least one port");
  for (const TomlNode& element : *array) add_port(table, element, ports, out);
}

void read_link_fields(TableReader& table, Match& match) {
  if (const auto vlan = read_field(table, "vlan", "100, \"100-199\", \"untagged\" or \"any\"", parse_vlan))
    match.vlan = *vlan;
  if (const TomlMember* member = table.find("pcp")) {
    const auto pcps = read_number_list(table, *member, 7);
    if (!pcps.empty()) match.pcp.bits = 0;  // untagged frames have none
    for (const uint32_t pcp : pcps) match.pcp.bits = static_cast<uint16_t>(match.pcp.bits | 1u << pcp);
    if (match.vlan == Interval<Vlan::kCount - 1>::exactly(Vlan::kUntagged))
      table.fault_at_key("pcp",
                         "is given for untagged frames, which have none; leave it out, or name a VLAN");
  }
  constexpr std::string_view kMac = "\"02:00:00:00:00:01\"";
  if (const auto mac = table.parsed("eth_src", kMac, parse_mac)) match.eth_src = *mac;
  if (const auto mac = table.parsed("eth_dst", kMac, parse_mac)) match.eth_dst = *mac;
  if (const auto type = read_field(table, "ethertype", "\"ipv4\" or 0x88cc", parse_ethertype))
    match.ethertype = Interval<65535>::exactly(*type);
}

void read_network_fields(TableReader& table, Match& match) {
  constexpr std::string_view kPrefix = "\"10.1.0.0/16\"";
  if (const auto set = table.parsed("ip_src", kPrefix, parse_ip)) match.ip_src = *set;
  if (const auto set = table.parsed("ip_dst", kPrefix, parse_ip)) match.ip_dst = *set;
  if (const auto proto = read_field(table, "ip_proto", "\"udp\" or 17", parse_ip_proto))
    match.ip_proto = Interval<Headers::kNoIpProto>::exactly(*proto);
  const auto dscp =
      read_field(table, "dscp", "46", [](std::string_view text) { return parse_range(text, 63); });
  if (dscp) match.dscp = {dscp->first, dscp->second};
}

void read_transport_fields(TableReader& table, Match& match) {
  const auto ports = [](std::string_view text) { return parse_range(text, 65535); };
  constexpr std::string_view kExample = "53 or \"1024-65535\"";
  if (const auto range = read_field(table, "l4_src", kExample, ports))
    match.l4_src = {range->first, range->second};
  if (const auto range = read_field(table, "l4_dst", kExample, ports))
    match.l4_dst = {range->first, range->second};
}

/// Which IP version a set of addresses is limited to.
enum class Family : uint8_t { any, v4, v6 };
Family family_of(const IpSet& set) {
  if (set.is_any()) return Family::any;
  return set.v4 ? Family::v4 : Family::v6;
}
std::string_view family_name(Family family) { return family == Family::v4 ? "IPv4" : "IPv6"; }

/// What the fields say of the frame's network layer must be sayable of one frame.
void check_families(TableReader& table, const Match& match) {
  const Family src = family_of(match.ip_src);
  const Family dst = family_of(match.ip_dst);
  if (src != Family::any && dst != Family::any && src != dst)
    table.fault_at_key("ip_dst", "is " + std::string(family_name(dst)) + " where ip_src is " +
                                     std::string(family_name(src)) + "; give both of one family");
  if (match.ethertype.is_any()) return;
  const uint32_t type = match.ethertype.first;
  for (const auto& [key, family] : {std::pair("ip_src", src), std::pair("ip_dst", dst)}) {
    if (family == Family::any || type == (family == Family::v4 ? kEthertypeIpv4 : kEthertypeIpv6)) continue;
    table.fault_at_key(key, "is " + std::string(family_name(family)) +
                                " and contradicts the ethertype given; leave one of the two out");
  }
  if (type == kEthertypeIpv4 || type == kEthertypeIpv6) return;
  for (const std::string_view key : {"ip_proto", "dscp"})
    if (table.find(key) != nullptr)
      table.fault_at_key(key,
                         "needs an IP frame and contradicts the ethertype given; leave one of the two out");
}

void check_transport(TableReader& table, const Match& match) {
  const TomlMember* proto = table.find("ip_proto");
  // A protocol that could not be read has its own fault.
  if (proto != nullptr && match.ip_proto.is_any()) return;
  const bool has_ports = proto != nullptr && (match.ip_proto.first == kTcp || match.ip_proto.first == kUdp ||
                                              match.ip_proto.first == kSctp);
  if (has_ports) return;
  for (const std::string_view key : {"l4_src", "l4_dst"})
    if (table.find(key) != nullptr)
      table.fault_at_key(key, "needs a protocol that has ports; add ip_proto = \"tcp\", \"udp\" or \"sctp\"");
}

}  // namespace

FlowspaceConfig read_flowspace(const TomlNode& node, const PortNames& ports, FaultList& faults) {
  TableReader table(node, "[[slice.flowspace]]", faults);
  FlowspaceConfig out;
  out.at = table.at();
  Match match;
  read_ports(table, ports, out);
  read_link_fields(table, match);
  read_network_fields(table, match);
  read_transport_fields(table, match);
  check_families(table, match);
  check_transport(table, match);
  table.refuse_unknown();
  out.matches.assign(out.ports.size(), match);
  for (std::size_t i = 0; i < out.ports.size(); ++i)
    out.matches[i].port = Interval<kMaxPorts - 1>::exactly(out.ports[i].value());
  return out;
}

}  // namespace bulkhead
