// SPDX-License-Identifier: Apache-2.0
#include "classifier/algebra.hpp"

#include <algorithm>
#include <catch2/catch.hpp>

#include "classifier/frame_builder.hpp"
#include "tests/classifier/random_flows.hpp"

using namespace bulkhead;
using bulkhead::test::oracle_matches;
using bulkhead::test::RandomFlows;

namespace {

IpSet v4(std::array<uint8_t, 4> bytes, uint8_t length) {
  return {false, IpPrefix{{bytes[0], bytes[1], bytes[2], bytes[3]}, length}, std::nullopt};
}

IpSet v6(std::array<uint8_t, 16> bytes, uint8_t length) {
  return {false, std::nullopt, IpPrefix{bytes, length}};
}

using Ethertype = Interval<65535>;
using VlanSet = Interval<Vlan::kCount - 1>;
using Proto = Interval<Headers::kNoIpProto>;
using L4Port = Interval<Headers::kNoL4Port>;

}  // namespace

TEST_CASE("matching means what the oracle says", "[algebra]") {
  RandomFlows random{1};
  uint64_t hits = 0;
  for (int round = 0; round < 20'000; ++round) {
    const Match match = random.match();
    for (int n = 0; n < 50; ++n) {
      const Headers headers = random.headers();
      const bool expected = oracle_matches(match, headers);
      hits += expected ? 1 : 0;
      if (matches(match, headers) != expected) FAIL("round " << round << ": " << to_string(headers, "p"));
    }
  }
  CHECK(hits > 10'000);  // the property was put to the test
}

TEST_CASE("intersection, containment and subtraction agree with the oracle", "[algebra]") {
  RandomFlows random{2};
  uint64_t in_both = 0;
  uint64_t contained = 0;
  for (int round = 0; round < 20'000; ++round) {
    const Match a = random.match(6);
    const Match b = random.match(6);
    const auto both = intersect(a, b);
    const auto rest = subtract(a, b);
    const bool b_holds_a = contains(b, a);
    contained += b_holds_a ? 1 : 0;
    REQUIRE(b_holds_a == rest.empty());
    REQUIRE(contains(a, b) == subtract(b, a).empty());
    for (int n = 0; n < 60; ++n) {
      const Headers h = random.headers();
      const bool in_a = oracle_matches(a, h);
      const bool in_b = oracle_matches(b, h);
      in_both += in_a && in_b ? 1 : 0;
      const auto parts =
          std::ranges::count_if(rest, [&](const Match& part) { return oracle_matches(part, h); });
      const bool met = both && oracle_matches(*both, h);
      if (met != (in_a && in_b) || parts != (in_a && !in_b ? 1 : 0) || (b_holds_a && in_a && !in_b))
        FAIL("round " << round << ": " << to_string(h, "p"));
    }
  }
  CHECK(in_both > 10'000);
  CHECK(contained > 100);
}

TEST_CASE("a match is empty exactly when it has no witness, and witnesses are real frames", "[algebra]") {
  RandomFlows random{3};
  int empty = 0;
  for (int round = 0; round < 100'000; ++round) {
    const Match match = random.match(3);
    const auto found = witness(match);
    REQUIRE(is_empty(match) == !found.has_value());
    if (!found) {
      ++empty;
      for (int n = 0; n < 20; ++n) REQUIRE_FALSE(oracle_matches(match, random.headers()));
      continue;
    }
    REQUIRE(oracle_matches(match, *found));
    const auto frame = build_frame(*found);
    Headers seen;
    REQUIRE(parse(FrameView{frame.data(), static_cast<uint32_t>(frame.size())}, found->port, ParseDepth::l4,
                  seen));
    REQUIRE(seen == *found);
  }
  CHECK(empty > 1'000);
  CHECK(empty < 90'000);
}

TEST_CASE("fields that exclude each other make a match empty", "[algebra]") {
  Match m;
  SECTION("a PCP without a tag") {
    m.vlan = VlanSet::exactly(Vlan::kUntagged);
    m.pcp.bits = 1 << 3;
  }
  SECTION("an address under another ethertype") {
    m.ethertype = Ethertype::exactly(0x0806);
    m.ip_src = v4({10, 0, 0, 0}, 8);
  }
  SECTION("addresses of two families") {
    m.ip_src = v4({10, 0, 0, 0}, 8);
    m.ip_dst = v6({0x20, 0x01}, 16);
  }
  SECTION("ports of a protocol that has none") {
    m.ip_proto = Proto::exactly(47);
    m.l4_dst = L4Port::exactly(53);
  }
  SECTION("a tag type behind no tag") {
    m.vlan = VlanSet::exactly(Vlan::kUntagged);
    m.ethertype = Ethertype::exactly(0x88a8);
  }
  SECTION("one port absent, the other there") {
    m.l4_src = L4Port::exactly(Headers::kNoL4Port);
    m.l4_dst = L4Port::exactly(53);
  }
  SECTION("ethertypes that are lengths") { m.ethertype = {0, 0x05fe}; }
  CHECK(is_empty(m));
  CHECK_FALSE(witness(m));
  CHECK(contains(Match{}, m));
  CHECK(contains(m, m));
}

TEST_CASE("containment looks through dependencies", "[algebra]") {
  Match ipv4;
  ipv4.ethertype = Ethertype::exactly(0x0800);
  Match addressed;
  addressed.ip_src = v4({0, 0, 0, 0}, 0);
  CHECK(contains(ipv4, addressed));
  CHECK(contains(addressed, ipv4));

  Match udp_to_53;
  udp_to_53.l4_dst = L4Port::exactly(53);
  Match with_ports;
  with_ports.ip_proto = {6, 132};
  CHECK(contains(with_ports, udp_to_53));
  with_ports.ip_proto = {6, 131};
  CHECK_FALSE(contains(with_ports, udp_to_53));
}

TEST_CASE("a witness reads like a packet", "[algebra]") {
  Match m;
  m.vlan = VlanSet::exactly(100);
  m.ip_src = v4({10, 1, 0, 0}, 16);
  m.ip_dst = v4({10, 2, 0, 0}, 16);
  m.ip_proto = Proto::exactly(17);
  const auto text = [&] { return to_string(*witness(m), "uplink"); };
  CHECK(text() == "port uplink, vlan 100, ipv4 10.1.0.1 > 10.2.0.1, udp 1024 > 53");
  m.ip_proto = Proto::exactly(47);
  CHECK(text() == "port uplink, vlan 100, ipv4 10.1.0.1 > 10.2.0.1, proto 47");
  m.ip_proto = Proto::exactly(6);
  m.l4_dst = L4Port::exactly(Headers::kNoL4Port);
  m.dscp = Interval<Headers::kNoDscp>::exactly(46);
  CHECK(text() == "port uplink, vlan 100, ipv4 10.1.0.1 > 10.2.0.1, tcp later fragment, dscp 46");

  m = Match{};
  CHECK(text() == "port uplink, untagged, ipv4 192.0.2.1 > 192.0.2.2, udp 1024 > 53");
  m.ip_dst = m.ip_src = v4({10, 1, 0, 0}, 16);
  CHECK(text() == "port uplink, untagged, ipv4 10.1.0.1 > 10.1.0.2, udp 1024 > 53");
  m.ip_dst = IpSet::any();
  m.ip_src = v4({10, 1, 0, 2}, 31);
  m.l4_src = {2000, 3000};
  CHECK(text() == "port uplink, untagged, ipv4 10.1.0.2 > 192.0.2.2, udp 2000 > 53");

  m = Match{};
  m.ip_src = v6({0x20, 0x01, 0x0d, 0xb8, 0, 7}, 48);
  m.pcp.bits = 1 << 3 | 1 << 5;
  CHECK(text() == "port uplink, vlan 1, pcp 3, ipv6 2001:db8:7::1 > 2001:db8::2, udp 1024 > 53");
  m.ip_proto = Proto::exactly(58);
  CHECK(text() == "port uplink, vlan 1, pcp 3, ipv6 2001:db8:7::1 > 2001:db8::2, icmpv6");

  m = Match{};
  m.eth_dst = {0x0180'c200'0000, 0xffff'ffff'ffff};
  m.ethertype = Ethertype::exactly(0x88cc);
  CHECK(text() == "port uplink, untagged, eth 02:00:00:00:00:01 > 01:80:c2:00:00:00, ethertype 0x88cc");
  m.eth_dst = MaskedMac::any();
  m.ethertype = Ethertype::exactly(Headers::kNoEthertype);
  CHECK(text() == "port uplink, untagged, 802.3");
  m.ethertype = Ethertype::exactly(0x0806);
  CHECK(text() == "port uplink, untagged, arp");
}

TEST_CASE("subtracting a prefix leaves its siblings", "[algebra]") {
  Match whole;
  whole.ip_src = v4({10, 0, 0, 0}, 8);
  Match part;
  part.ip_src = v4({10, 128, 0, 0}, 10);
  const auto rest = subtract(whole, part);
  REQUIRE(rest.size() == 2);
  CHECK(rest[0].ip_src == v4({10, 0, 0, 0}, 9));
  CHECK(rest[1].ip_src == v4({10, 192, 0, 0}, 10));
  CHECK(subtract(part, whole).empty());
  CHECK(subtract(whole, Match{}).empty());
}

TEST_CASE("a match is as deep as its deepest field", "[algebra]") {
  Match m;
  m.vlan = VlanSet::exactly(5);
  m.ethertype = Ethertype::exactly(0x0800);
  CHECK(depth_of(m) == ParseDepth::l2);
  m.dscp = Interval<Headers::kNoDscp>::exactly(46);
  CHECK(depth_of(m) == ParseDepth::l3);
  m.l4_src = {1, 2};
  CHECK(depth_of(m) == ParseDepth::l4);
}
