// SPDX-License-Identifier: Apache-2.0
#include "classifier/algebra.hpp"
#include "tests/control/config_text.hpp"

namespace bulkhead {
namespace {

const Refusal kInSlice[] = {
    {"unknown field", R"(vlna = 5)",
     "lab.toml:12:1: unknown key \"vlna\" in [[slice.flowspace]]; did you mean \"vlan\"?"},
    {"unknown port",
     R"([[slice.flowspace]]
port = "uplnk")",
     "lab.toml:13:8: no [[port]] is named \"uplnk\"; did you mean \"uplink\"?"},
    {"port twice",
     R"([[slice.flowspace]]
port = ["office", "office"])",
     "lab.toml:13:19: port \"office\" is named twice; name each port once"},
    {"no port",
     R"([[slice.flowspace]]
vlan = 5)",
     "lab.toml:12:1: [[slice.flowspace]] has no port; write port = \"NAME\" or port = [\"NAME\", \"NAME\"]"},
    {"empty list of ports",
     R"([[slice.flowspace]]
port = [])",
     "lab.toml:13:8: port is an empty list; name at least one port"},
    {"port as a number",
     R"([[slice.flowspace]]
port = 1)",
     "lab.toml:13:8: port is a whole number; write a port's name or a list of names"},
    {"vlan out of range", R"(vlan = 4095)", "lab.toml:12:8: vlan 4095 is too large; write at most 4094"},
    {"vlan range out of range", R"(vlan = "4000-5000")",
     "lab.toml:12:8: vlan \"4000-5000\" is too large; write at most 4094"},
    {"vlan range backwards", R"(vlan = "20-10")",
     "lab.toml:12:8: vlan \"20-10\" is a range that ends before it begins; write 10-20"},
    {"vlan as a word", R"(vlan = "all")",
     "lab.toml:12:8: vlan \"all\" is not a VLAN; write one of 0-4094, a range such as \"100-199\", "
     "\"untagged\" or \"any\""},
    {"vlan negative", R"(vlan = -1)",
     "lab.toml:12:8: vlan -1 is not a VLAN; write one of 0-4094, a range such as \"100-199\", \"untagged\" "
     "or \"any\""},
    {"vlan as a list", R"(vlan = [1, 2])",
     "lab.toml:12:8: vlan is a list; write 100, \"100-199\", \"untagged\" or \"any\""},
    {"pcp out of range", R"(pcp = 8)", "lab.toml:12:7: pcp 8 is too large; write at most 7"},
    {"pcp twice", R"(pcp = [1, 1])", "lab.toml:12:7: pcp 1,1 names 1 twice; name each once"},
    {"pcp list with text", R"(pcp = [1, "2"])",
     "lab.toml:12:7: pcp holds more than numbers; write a number of 0-7, a list of them, or a range such as "
     "\"0-7\""},
    {"pcp list empty", R"(pcp = [])",
     "lab.toml:12:7: pcp is an empty list; write a number of 0-7, a list of them, or a range such as "
     "\"0-7\""},
    {"pcp of untagged frames",
     R"(vlan = "untagged"
pcp = 1)",
     "lab.toml:13:1: pcp is given for untagged frames, which have none; leave it out, or name a VLAN"},
    {"mac malformed", R"(eth_src = "02:00:00:00:00")",
     "lab.toml:12:11: eth_src \"02:00:00:00:00\" is not a MAC address; write it as 02:00:00:00:00:01, "
     "optionally with a mask such as /ff:ff:00:00:00:00 behind"},
    {"mac with bits outside its mask", R"(eth_dst = "02:00:00:00:00:01/ff:ff:00:00:00:00")",
     "lab.toml:12:11: eth_dst \"02:00:00:00:00:01/ff:ff:00:00:00:00\" has bits outside its mask; write "
     "02:00:00:00:00:00/ff:ff:00:00:00:00"},
    {"ethertype unknown", R"(ethertype = "ipv5")",
     "lab.toml:12:13: ethertype \"ipv5\" is neither a known name nor a number up to 65535; did you mean "
     "\"ipv4\"?"},
    {"ethertype that is a length", R"(ethertype = 1500)",
     "lab.toml:12:13: ethertype 1500 is a length, not an ethertype; write a number of 0x0600 to 0xffff"},
    {"ip malformed", R"(ip_src = "10.1.0.0.0")",
     "lab.toml:12:10: ip_src \"10.1.0.0.0\" is not an IP prefix; write one such as 10.1.0.0/16 or "
     "2001:db8::/32"},
    {"ip with bits behind its prefix", R"(ip_src = "10.1.2.3/16")",
     "lab.toml:12:10: ip_src \"10.1.2.3/16\" has bits behind its prefix; write 10.1.0.0/16"},
    {"ip prefix too long", R"(ip_dst = "10.0.0.0/33")",
     "lab.toml:12:10: ip_dst \"10.0.0.0/33\" has a prefix length that is too large; write at most 32"},
    {"ip families differ",
     R"(ip_src = "10.0.0.0/8"
ip_dst = "2001:db8::/32")",
     "lab.toml:13:1: ip_dst is IPv6 where ip_src is IPv4; give both of one family"},
    {"arp with an ip prefix",
     R"(ethertype = "arp"
ip_src = "10.0.0.0/8")",
     "lab.toml:13:1: ip_src is IPv4 and contradicts the ethertype given; leave one of the two out"},
    {"ipv6 with an ipv4 prefix",
     R"(ethertype = "ipv6"
ip_dst = "10.0.0.0/8")",
     "lab.toml:13:1: ip_dst is IPv4 and contradicts the ethertype given; leave one of the two out"},
    {"lldp with dscp",
     R"(ethertype = "lldp"
dscp = 46)",
     "lab.toml:13:1: dscp needs an IP frame and contradicts the ethertype given; leave one of the two out"},
    {"protocol unknown", R"(ip_proto = "upd")",
     "lab.toml:12:12: ip_proto \"upd\" is neither a known name nor a number up to 255; did you mean "
     "\"udp\"?"},
    {"protocol out of range", R"(ip_proto = 256)",
     "lab.toml:12:12: ip_proto 256 is neither a known name nor a number up to 255; known are tcp, udp, sctp, "
     "icmp, icmpv6, igmp, gre, esp, ah, ospf and vrrp"},
    {"dscp out of range", R"(dscp = 64)", "lab.toml:12:8: dscp 64 is too large; write at most 63"},
    {"l4 without protocol", R"(l4_dst = 53)",
     "lab.toml:12:1: l4_dst needs a protocol that has ports; add ip_proto = \"tcp\", \"udp\" or \"sctp\""},
    {"l4 with a protocol that has none",
     R"(ip_proto = "icmp"
l4_src = 53)",
     "lab.toml:13:1: l4_src needs a protocol that has ports; add ip_proto = \"tcp\", \"udp\" or \"sctp\""},
    {"l4 out of range",
     R"(ip_proto = "udp"
l4_dst = 65536)",
     "lab.toml:13:10: l4_dst 65536 is too large; write at most 65535"},
};

/// The match of a flowspace with these fields, at port "uplink".
Match match_of(const std::string& fields) {
  const Config config = accepted(kOneSlice + fields + "\n");
  return config.slices.at(0).flowspaces.at(0).matches.at(0);
}

IpPrefix prefix(std::initializer_list<uint8_t> bytes, uint8_t length) {
  IpPrefix out;
  std::copy(bytes.begin(), bytes.end(), out.bytes.begin());
  out.length = length;
  return out;
}

}  // namespace

TEST_CASE("faulty flowspaces are refused") { check_refusals(kOneSlice, kInSlice); }

TEST_CASE("a field that is not named matches anything") {
  Match expected;
  expected.port = Interval<kMaxPorts - 1>::exactly(0);
  CHECK(match_of("") == expected);
  CHECK(match_of("vlan = \"any\"") == expected);
}

TEST_CASE("vlan is a number, a range, untagged or any") {
  using Vlans = Interval<Vlan::kCount - 1>;
  CHECK(match_of("vlan = 0").vlan == Vlans::exactly(0));
  CHECK(match_of("vlan = 4094").vlan == Vlans::exactly(4094));
  CHECK(match_of("vlan = \"100\"").vlan == Vlans::exactly(100));
  CHECK(match_of("vlan = \"100-199\"").vlan == Vlans{100, 199});
  CHECK(match_of("vlan = \"untagged\"").vlan == Vlans::exactly(Vlan::kUntagged));
}

TEST_CASE("pcp is a number, a list or a range, and never of untagged frames") {
  CHECK(match_of("pcp = 5").pcp.bits == 0b0'0010'0000);
  CHECK(match_of("pcp = [7, 0]").pcp.bits == 0b0'1000'0001);
  CHECK(match_of("pcp = \"0-5\"").pcp.bits == 0b0'0011'1111);
  CHECK(match_of("pcp = \"0-1,6-7\"").pcp.bits == 0b0'1100'0011);
  CHECK(match_of("pcp = \"0-7\"").pcp.bits == 0b0'1111'1111);
  CHECK_FALSE(match_of("pcp = \"0-7\"").pcp.matches(Headers::kNoPcp));
}

TEST_CASE("MAC addresses may have a mask") {
  CHECK(match_of("eth_src = \"02:00:00:00:0a:Bf\"").eth_src == MaskedMac{0x02000000'0abf, 0xffffffff'ffff});
  CHECK(match_of("eth_dst = \"02:01:00:00:00:00/ff:ff:00:00:00:00\"").eth_dst ==
        MaskedMac{0x0201'00000000, 0xffff'00000000});
}

TEST_CASE("ethertypes and protocols have names or numbers") {
  CHECK(match_of("ethertype = \"lldp\"").ethertype == Interval<65535>::exactly(0x88cc));
  CHECK(match_of("ethertype = 0x88cc").ethertype == Interval<65535>::exactly(0x88cc));
  CHECK(match_of("ethertype = \"0x88cc\"").ethertype == Interval<65535>::exactly(0x88cc));
  CHECK(match_of("ip_proto = \"sctp\"").ip_proto == Interval<Headers::kNoIpProto>::exactly(132));
  CHECK(match_of("ip_proto = 0").ip_proto == Interval<Headers::kNoIpProto>::exactly(0));
  CHECK(match_of("ip_proto = 255").ip_proto == Interval<Headers::kNoIpProto>::exactly(255));
}

TEST_CASE("a prefix of one family leaves out the other and frames without IP") {
  const IpSet v4 = match_of("ip_src = \"10.1.0.0/16\"").ip_src;
  CHECK(v4 == IpSet{.absent = false, .v4 = prefix({10, 1}, 16), .v6 = std::nullopt});
  const IpSet v6 = match_of("ip_dst = \"2001:db8::/32\"").ip_dst;
  CHECK(v6 == IpSet{.absent = false, .v4 = std::nullopt, .v6 = prefix({0x20, 0x01, 0x0d, 0xb8}, 32)});
  CHECK(match_of("ip_src = \"10.1.2.3\"").ip_src.v4 == prefix({10, 1, 2, 3}, 32));
  CHECK(match_of("ip_src = \"0.0.0.0/0\"").ip_src ==
        IpSet{.absent = false, .v4 = IpPrefix{}, .v6 = std::nullopt});
}

TEST_CASE("dscp and ports of layer 4 are numbers or ranges") {
  CHECK(match_of("dscp = 46").dscp == Interval<Headers::kNoDscp>::exactly(46));
  CHECK(match_of("dscp = \"8-15\"").dscp == Interval<Headers::kNoDscp>{8, 15});
  const Match match = match_of("ip_proto = \"udp\"\nl4_src = \"1024-65535\"\nl4_dst = 53");
  CHECK(match.l4_src == Interval<Headers::kNoL4Port>{1024, 65535});
  CHECK(match.l4_dst == Interval<Headers::kNoL4Port>::exactly(53));
}

TEST_CASE("an entry that names several ports has a match for each") {
  const Config config = accepted(std::string(kTwoPorts) +
                                 "[[slice]]\nname = \"lab\"\n[[slice.flowspace]]\nport = [\"office\", "
                                 "\"uplink\"]\nvlan = 7\n");
  const FlowspaceConfig& flowspace = config.slices.at(0).flowspaces.at(0);
  REQUIRE(flowspace.matches.size() == 2);
  CHECK(flowspace.ports == std::vector<PortId>{PortId{1}, PortId{0}});
  CHECK(flowspace.matches[0].port == Interval<kMaxPorts - 1>::exactly(1));
  CHECK(flowspace.matches[1].port == Interval<kMaxPorts - 1>::exactly(0));
  CHECK(flowspace.matches[1].vlan == flowspace.matches[0].vlan);
}

TEST_CASE("an entry that is accepted matches some frame") {
  for (const std::string fields :
       {"pcp = 3", "vlan = \"untagged\"\nip_src = \"10.0.0.0/8\"", "ip_proto = \"icmp\"\ndscp = 10",
        "ethertype = \"arp\"\nvlan = 5\npcp = \"0-3\"",
        "ethertype = \"ipv6\"\nip_proto = \"tcp\"\nl4_src = 80",
        "ip_src = \"2001:db8::/32\"\nip_dst = \"::/0\"\nip_proto = \"udp\"\nl4_dst = \"1-9\""}) {
    INFO(fields);
    CHECK_FALSE(is_empty(match_of(fields)));
  }
}

}  // namespace bulkhead
