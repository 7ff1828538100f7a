// SPDX-License-Identifier: Apache-2.0
#include "classifier/overlap.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <set>
#include <utility>

#include "classifier/algebra.hpp"
#include "tests/classifier/random_flows.hpp"

using namespace bulkhead;

namespace {

constexpr size_t kNoLimit = SIZE_MAX;
using Pairs = std::set<std::pair<SliceId, SliceId>>;

FlowspaceEntry entry(uint16_t slice, const Match& match, int32_t precedence = 0) {
  return {match, SliceId{slice}, precedence, 0};
}

Match on_vlan(uint32_t first, uint32_t last) {
  Match m;
  m.vlan = {first, last};
  return m;
}

Match from_prefix(uint8_t a, uint8_t b, uint8_t length) {
  Match m;
  m.ip_src = {false, IpPrefix{{10, a, b}, length}, std::nullopt};
  return m;
}

/// Every pair compared with every other.
Pairs naive_pairs(const std::vector<FlowspaceEntry>& entries) {
  Pairs out;
  for (const FlowspaceEntry& a : entries) {
    for (const FlowspaceEntry& b : entries) {
      if (a.slice < b.slice && a.precedence == b.precedence && intersect(a.match, b.match))
        out.emplace(a.slice, b.slice);
    }
  }
  return out;
}

/// Each overlap is one, and no pair of slices comes twice.
Pairs verified_pairs(const std::vector<FlowspaceEntry>& entries, const std::vector<Overlap>& overlaps) {
  Pairs out;
  for (const Overlap& overlap : overlaps) {
    REQUIRE(overlap.a < overlap.b);
    const FlowspaceEntry& a = entries.at(overlap.a);
    const FlowspaceEntry& b = entries.at(overlap.b);
    REQUIRE(a.precedence == b.precedence);
    REQUIRE(a.slice != b.slice);
    REQUIRE(test::oracle_matches(a.match, overlap.witness));
    REQUIRE(test::oracle_matches(b.match, overlap.witness));
    REQUIRE(out.emplace(std::min(a.slice, b.slice), std::max(a.slice, b.slice)).second);
  }
  return out;
}

}  // namespace

TEST_CASE("the same pairs of slices overlap as when all entries are compared", "[overlap]") {
  test::RandomFlows random{10};
  size_t overlapping = 0;
  for (int round = 0; round < 400; ++round) {
    const uint32_t size = 2 + random.below(round % 10 == 0 ? 300 : 40);
    const uint32_t sparsity = 2 + random.below(4);
    std::vector<FlowspaceEntry> entries;
    for (uint32_t i = 0; i < size; ++i) {
      const auto slice = static_cast<uint16_t>(random.below(20));
      entries.push_back(entry(slice, random.match(sparsity), static_cast<int32_t>(random.below(2))));
    }
    const auto overlaps = find_overlaps(entries, kNoLimit);
    REQUIRE(verified_pairs(entries, overlaps) == naive_pairs(entries));
    REQUIRE(std::ranges::is_sorted(overlaps, {}, [](const Overlap& o) { return std::pair{o.a, o.b}; }));
    overlapping += overlaps.size();
  }
  CHECK(overlapping > 1'000);
}

TEST_CASE("one more entry overlaps what it overlaps when all are compared", "[overlap]") {
  test::RandomFlows random{11};
  size_t overlapping = 0;
  for (int round = 0; round < 500; ++round) {
    std::vector<FlowspaceEntry> entries;
    for (uint32_t i = 0; i < 150; ++i) {
      entries.push_back(entry(static_cast<uint16_t>(random.below(20)), random.match(2), 0));
      // Every other time, entries that follow each other are near each other.
      if (round % 2 == 1) entries.back().match.vlan = {10 + i / 40, 10 + i / 40};
    }
    FlowspaceEntry added = entry(20, random.match(3));
    if (round % 2 == 1) added.match.vlan = {10 + random.below(3), 12};
    const auto overlaps = ProvedEntries(entries).find_overlaps_with(added, kNoLimit);
    Pairs expected;
    for (const FlowspaceEntry& other : entries) {
      if (intersect(other.match, added.match)) expected.emplace(other.slice, added.slice);
    }
    entries.push_back(added);
    REQUIRE(verified_pairs(entries, overlaps) == expected);
    overlapping += overlaps.size();
  }
  CHECK(overlapping > 500);
}

TEST_CASE("who overlaps whom", "[overlap]") {
  std::vector<FlowspaceEntry> entries;
  SECTION("entries of one slice never do") { entries = {entry(0, on_vlan(1, 10)), entry(0, on_vlan(5, 15))}; }
  SECTION("another precedence orders them") {
    entries = {entry(0, on_vlan(1, 10)), entry(1, on_vlan(5, 15), 1)};
  }
  SECTION("VLANs side by side") { entries = {entry(0, on_vlan(1, 10)), entry(1, on_vlan(11, 15))}; }
  SECTION("families") {
    Match v6;
    v6.ip_src = {false, std::nullopt, IpPrefix{}};
    entries = {entry(0, from_prefix(0, 0, 8)), entry(1, v6)};
  }
  SECTION("PCPs between one another") {
    Match even = on_vlan(0, 4095);
    even.pcp.bits = 0x055;
    Match odd = on_vlan(0, 4095);
    odd.pcp.bits = 0x0aa;
    entries = {entry(0, even), entry(1, odd)};
  }
  SECTION("MAC masks with holes") {
    Match even;
    even.eth_src = {0, uint64_t{1} << 47 | 1};
    Match odd;
    odd.eth_src = {1, 1};
    entries = {entry(0, even), entry(1, odd)};
  }
  SECTION("a protocol without ports beside a port") {
    Match gre;
    gre.ip_proto = Interval<Headers::kNoIpProto>::exactly(47);
    Match dns;
    dns.l4_dst = Interval<Headers::kNoL4Port>::exactly(53);
    entries = {entry(0, gre), entry(1, dns)};
  }
  CHECK(find_overlaps(entries, kNoLimit).empty());
}

TEST_CASE("no more overlaps than asked for", "[overlap]") {
  std::vector<FlowspaceEntry> entries;
  for (uint16_t slice = 0; slice < 100; ++slice) entries.push_back(entry(slice, on_vlan(0, slice)));
  CHECK(find_overlaps(entries, 0).empty());
  CHECK(find_overlaps(entries, 7).size() == 7);
  CHECK(find_overlaps(entries, kNoLimit).size() == 100 * 99 / 2);
  const ProvedEntries all(entries);
  CHECK(all.find_overlaps_with(entry(100, Match{}), 3).size() == 3);
  CHECK(all.find_overlaps_with(entry(100, Match{}), kNoLimit).size() == 100);
}

TEST_CASE("one overlap is found among many entries that have none", "[overlap]") {
  std::vector<FlowspaceEntry> entries;
  for (uint16_t i = 0; i < 8'000; ++i) {
    Match m = from_prefix(static_cast<uint8_t>(i >> 8), static_cast<uint8_t>(i), 24);
    m.vlan = {100, 100};
    entries.push_back(entry(i, m));
  }
  CHECK(find_overlaps(entries, kNoLimit).empty());
  entries.push_back(entry(8'000, from_prefix(3, 7, 25)));
  const auto overlaps = find_overlaps(entries, kNoLimit);
  REQUIRE(overlaps.size() == 1);
  CHECK(overlaps[0].a == 3 * 256 + 7);
  CHECK(overlaps[0].b == 8'000);
  CHECK(to_string(overlaps[0].witness, "uplink") ==
        "port uplink, vlan 100, ipv4 10.3.7.1 > 192.0.2.2, udp 1024 > 53");
}
