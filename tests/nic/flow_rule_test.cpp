// SPDX-License-Identifier: Apache-2.0
#include "nic/flow_rule.hpp"

#include <catch2/catch.hpp>
#include <string_view>

using namespace bulkhead;

namespace {

using Network = FlowPattern::Network;
using Tags = FlowPattern::Tags;
using Transport = FlowPattern::Transport;

constexpr uint64_t kAllMac = 0xffff'ffff'ffff;

/// `fill` makes the row's pattern out of one that asks for nothing.
struct Row {
  std::string_view description;
  void (*fill)(FlowPattern&);
  std::string_view text;  // between "pattern " and " / end actions"
};

// Each row was read by testpmd of DPDK 22.11 without "Bad arguments".
const Row kPatterns[] = {
    {"every frame", [](FlowPattern&) {}, "eth"},
    {"untagged frames", [](FlowPattern& p) { p.tags = Tags::none; }, "eth has_vlan is 0"},
    {"tagged frames", [](FlowPattern& p) { p.tags = Tags::one; }, "eth / vlan"},
    {"one VLAN",
     [](FlowPattern& p) {
       p.tags = Tags::one;
       p.vid = {100, 0xfff};
     },
     "eth / vlan vid is 100"},
    {"VLAN 0 is a VLAN",
     [](FlowPattern& p) {
       p.tags = Tags::one;
       p.vid = {0, 0xfff};
     },
     "eth / vlan vid is 0"},
    {"VLANs 64 to 127",
     [](FlowPattern& p) {
       p.tags = Tags::one;
       p.vid = {64, 0xfc0};
     },
     "eth / vlan vid spec 64 vid mask 0xfc0"},
    {"priorities 4 to 7",
     [](FlowPattern& p) {
       p.tags = Tags::one;
       p.pcp = {4, 4};
     },
     "eth / vlan pcp spec 4 pcp mask 0x4"},
    {"one priority in one VLAN",
     [](FlowPattern& p) {
       p.tags = Tags::one;
       p.vid = {100, 0xfff};
       p.pcp = {3, 7};
     },
     "eth / vlan vid is 100 pcp is 3"},
    {"an ethertype", [](FlowPattern& p) { p.ethertype = {0x88cc, 0xffff}; }, "eth type is 35020"},
    {"an ethertype without a tag",
     [](FlowPattern& p) {
       p.tags = Tags::none;
       p.ethertype = {0x88cc, 0xffff};
     },
     "eth type is 35020 has_vlan is 0"},
    {"an ethertype behind a tag",
     [](FlowPattern& p) {
       p.tags = Tags::one;
       p.ethertype = {0x88cc, 0xffff};
     },
     "eth / vlan inner_type is 35020"},
    {"ethertypes by mask", [](FlowPattern& p) { p.ethertype = {0x0800, 0xff00}; },
     "eth type spec 2048 type mask 0xff00"},
    {"two addresses",
     [](FlowPattern& p) {
       p.eth_dst = {0x0200'0000'0001, kAllMac};
       p.eth_src = {0x0200'0000'00ab, kAllMac};
     },
     "eth dst is 02:00:00:00:00:01 src is 02:00:00:00:00:ab"},
    {"addresses by mask", [](FlowPattern& p) { p.eth_src = {0x0200'0000'0000, 0xff00'0000'0000}; },
     "eth src spec 02:00:00:00:00:00 src mask ff:00:00:00:00:00"},
    {"IPv4 in a VLAN",
     [](FlowPattern& p) {
       p.tags = Tags::one;
       p.network = Network::ipv4;
       p.vid = {7, 0xfff};
     },
     "eth / vlan vid is 7 / ipv4"},
    {"untagged IPv4",
     [](FlowPattern& p) {
       p.tags = Tags::none;
       p.network = Network::ipv4;
     },
     "eth has_vlan is 0 / ipv4"},
    {"an IPv4 prefix and an address",
     [](FlowPattern& p) {
       p.network = Network::ipv4;
       p.ip_src = {{10, 1}, 16};
       p.ip_dst = {{10, 2, 0, 1}, 32};
     },
     "eth / ipv4 src spec 10.1.0.0 src prefix 16 dst is 10.2.0.1"},
    {"an IPv6 prefix and an address",
     [](FlowPattern& p) {
       p.network = Network::ipv6;
       p.ip_src = {{0x20, 0x01, 0x0d, 0xb8}, 32};
       p.ip_dst = {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, 128};
     },
     "eth / ipv6 src spec 2001:db8:: src prefix 32 dst is ::1"},
    {"an IP protocol",
     [](FlowPattern& p) {
       p.network = Network::ipv4;
       p.ip_proto = {1, 0xff};
     },
     "eth / ipv4 proto is 1"},
    {"IP protocols by mask",
     [](FlowPattern& p) {
       p.network = Network::ipv6;
       p.ip_proto = {16, 0xf0};
     },
     "eth / ipv6 proto spec 16 proto mask 0xf0"},
    {"a code point is six bits of TOS",
     [](FlowPattern& p) {
       p.network = Network::ipv4;
       p.dscp = {46, 0x3f};
     },
     "eth / ipv4 tos spec 184 tos mask 0xfc"},
    {"a code point is six bits of the traffic class",
     [](FlowPattern& p) {
       p.network = Network::ipv6;
       p.dscp = {46, 0x3f};
     },
     "eth / ipv6 tc spec 184 tc mask 0xfc"},
    {"code points by mask",
     [](FlowPattern& p) {
       p.network = Network::ipv4;
       p.dscp = {40, 0x38};
     },
     "eth / ipv4 tos spec 160 tos mask 0xe0"},
    {"UDP ports",
     [](FlowPattern& p) {
       p.network = Network::ipv4;
       p.transport = Transport::udp;
       p.l4_src = {1024, 0xfc00};
       p.l4_dst = {53, 0xffff};
     },
     "eth / ipv4 / udp src spec 1024 src mask 0xfc00 dst is 53"},
    {"every TCP frame",
     [](FlowPattern& p) {
       p.network = Network::ipv6;
       p.transport = Transport::tcp;
     },
     "eth / ipv6 / tcp"},
    {"SCTP",
     [](FlowPattern& p) {
       p.network = Network::ipv4;
       p.transport = Transport::sctp;
       p.l4_dst = {9, 0xffff};
     },
     "eth / ipv4 / sctp dst is 9"},
};

}  // namespace

TEST_CASE("patterns read as testpmd's items", "[flow_rule]") {
  for (const Row& row : kPatterns) {
    INFO(row.description);
    FlowRule rule;
    row.fill(rule.pattern);
    rule.action.queue = QueueId{3};
    CHECK(to_testpmd(rule) ==
          "flow create 0 ingress pattern " + std::string{row.text} + " / end actions queue index 3 / end");
  }
}

TEST_CASE("device, group and action stand where testpmd wants them", "[flow_rule]") {
  FlowRule rule;
  rule.action.queue = QueueId{1};
  CHECK(to_testpmd(rule, 5) == "flow create 5 ingress pattern eth / end actions queue index 1 / end");
  rule.group = 2;
  CHECK(to_testpmd(rule) == "flow create 0 ingress group 2 pattern eth / end actions queue index 1 / end");
}

TEST_CASE("a marked frame comes by the shared queue, which is said first", "[flow_rule]") {
  FlowRule rule;
  rule.action.kind = FlowAction::Kind::mark;
  rule.action.mark = 0xff'ffff;
  CHECK(to_testpmd(rule) ==
        "flow create 0 ingress pattern eth / end actions queue index 0 / mark id 16777215 / end");
}

TEST_CASE("a masked number matches where its mask has ones", "[flow_rule]") {
  const Masked<uint16_t> low{.value = 0x100, .mask = 0xff00};
  CHECK(low.matches(0x1ff));
  CHECK_FALSE(low.matches(0x200));
  CHECK_FALSE(low.is_any());
  CHECK(Masked<uint16_t>{}.matches(0xffff));
  CHECK(Masked<uint16_t>{}.is_any());
}
