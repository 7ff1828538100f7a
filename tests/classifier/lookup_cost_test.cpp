// SPDX-License-Identifier: Apache-2.0
// What a lookup may cost at most, whatever a frame holds: counted in comparisons, not in time.
#include <algorithm>
#include <catch2/catch.hpp>
#include <functional>
#include <random>

#include "classifier/algebra.hpp"
#include "classifier/headers_text.hpp"
#include "classifier/slice_table.hpp"
#include "tests/classifier/random_flows.hpp"

using namespace bulkhead;

namespace {

constexpr PortId kPort{3};
constexpr Vlan kVlan{100};
constexpr uint16_t kSlices = 1000;

class Entries {
 public:
  uint32_t below(uint32_t count) { return static_cast<uint32_t>(random_() % count); }
  uint64_t bits() { return random_(); }

  Interval<65536> wide_ports() {
    const uint32_t first = below(35'000);
    return {first, first + 10'000 + below(20'000)};
  }
  IpSet prefix(uint32_t address, uint8_t length) {
    IpPrefix prefix;
    prefix.length = length;
    store_be32(prefix.bytes.data(), length == 0 ? 0 : address & ~0u << (32 - length));
    IpSet set;
    set.absent = false;
    set.v6.reset();
    set.v4 = prefix;
    return set;
  }
  static Match udp() {
    Match match;
    match.port = Interval<kMaxPorts - 1>::exactly(kPort.value());
    match.vlan = Interval<4095>::exactly(kVlan.number());
    match.ethertype = Interval<65535>::exactly(kEthertypeIpv4);
    match.ip_proto = Interval<256>::exactly(17);
    return match;
  }

 private:
  std::mt19937_64 random_{1};
};

using Make = std::function<Match(Entries&, uint32_t)>;

/// `count` matches, of as many slices as there are; each outranks those behind it.
std::vector<FlowspaceEntry> list_of(uint32_t count, const Make& make) {
  Entries entries;
  std::vector<FlowspaceEntry> list;
  for (uint32_t i = 0; i < count; ++i)
    list.push_back({.match = make(entries, i),
                    .slice = SliceId{static_cast<uint16_t>(i % kSlices)},
                    .precedence = -static_cast<int32_t>(i),
                    .source = i});
  return list;
}

LongestLookup longest(uint32_t count, const Make& make) {
  const auto table = SliceTable::compile(list_of(count, make));
  REQUIRE(table);
  return table->longest_lookup();
}

struct Row {
  const char* description;
  Make make;
};

Match with_source_mask(uint64_t value, uint64_t mask) {
  Match match;
  match.port = Interval<kMaxPorts - 1>::exactly(kPort.value());
  match.vlan = Interval<4095>::exactly(kVlan.number());
  match.eth_src = {value & mask, mask};
  return match;
}

/// The bits of `number`, spread so that others stand between them.
uint64_t spread(uint32_t number) {
  uint64_t out = 0;
  for (int bit = 0; bit < 14; ++bit) out |= uint64_t{number >> bit & 1} << 3 * bit;
  return out;
}

const std::vector<Row>& disjoint_rows() {
  static const std::vector<Row> kRows{
      {"destination prefixes",
       [](Entries& e, uint32_t i) {
         Match match = Entries::udp();
         match.ip_dst = e.prefix(i << 8, 24);
         return match;
       }},
      {"ranges of ports in a prefix",
       [](Entries& e, uint32_t i) {
         Match match = Entries::udp();
         match.ip_src = e.prefix((i / 16) << 8, 24);
         match.l4_dst = {4096 * (i % 16), 4096 * (i % 16) + 4095};
         return match;
       }},
      {"masks with holes", [](Entries&, uint32_t i) { return with_source_mask(spread(i), spread(~0u)); }}};
  return kRows;
}

const std::vector<Row>& overlapping_rows() {
  static const std::vector<Row> kRows{
      {"wide rectangles of ports",
       [](Entries& e, uint32_t) {
         Match match = Entries::udp();
         match.l4_src = e.wide_ports();
         match.l4_dst = e.wide_ports();
         return match;
       }},
      {"source or destination prefixes, or ranges of ports", [](Entries& e, uint32_t i) {
         Match match = Entries::udp();
         const auto address = static_cast<uint32_t>(e.bits());
         const auto length = static_cast<uint8_t>(8 + e.below(17));
         if (i % 3 == 0) match.ip_src = e.prefix(address, length);
         if (i % 3 == 1) match.ip_dst = e.prefix(address, length);
         if (i % 3 == 2) match.l4_dst = e.wide_ports();
         return match;
       }}};
  return kRows;
}

Match random_mask(Entries& e, uint32_t) { return with_source_mask(e.bits(), e.bits() & 0xffff'ffff'ffff); }

/// A UDP frame that the match has, but for its ports.
Headers frame_of(Match match) {
  match.ethertype = Interval<65535>::exactly(kEthertypeIpv4);
  match.ip_proto = Interval<256>::exactly(17);
  match.l4_src = match.l4_dst = {0, 65'535};
  const auto headers = witness(match);
  REQUIRE(headers);
  return *headers;
}

}  // namespace

TEST_CASE("what a lookup compares does not grow with the number of disjoint entries", "[lookup_cost]") {
  for (const Row& row : disjoint_rows())
    for (const uint32_t count : {100u, 1'000u, 10'000u}) {
      INFO(row.description << ", " << count);
      CHECK(longest(count, row.make).comparisons <= 4);
    }
}

TEST_CASE("nor, much, with the number of entries that overlap in two dimensions", "[lookup_cost]") {
  for (const Row& row : overlapping_rows())
    for (const uint32_t count : {100u, 1'000u, 10'000u}) {
      INFO(row.description << ", " << count);
      CHECK(longest(count, row.make).comparisons <= 32);
    }
}

TEST_CASE("random masks with holes are the worst, and are reported", "[lookup_cost]") {
  const LongestLookup found = longest(1'000, random_mask);
  CHECK(found.comparisons <= 64);
  CHECK(longest(5'000, random_mask).comparisons > 64);
  CHECK(found.port == kPort);
  CHECK(found.vlan == kVlan);
  CHECK(found.slices.size() > 1);
  CHECK(std::ranges::is_sorted(found.slices));
}

TEST_CASE("however entries overlap, the first that has a frame claims it", "[lookup_cost]") {
  std::vector<Row> rows = overlapping_rows();
  rows.push_back({"random masks", random_mask});
  for (const Row& row : rows) {
    INFO(row.description);
    const auto list = list_of(1'000, row.make);
    const auto table = SliceTable::compile(list);
    REQUIRE(table);
    Entries random;
    for (int n = 0; n < 1'000; ++n) {
      Headers headers = frame_of(list[random.below(1'000)].match);
      headers.l4_src = random.below(65'536);
      headers.l4_dst = random.below(65'536);
      const auto first = std::ranges::find_if(
          list, [&](const FlowspaceEntry& entry) { return test::oracle_matches(entry.match, headers); });
      const auto place = static_cast<uint32_t>(first - list.begin());
      if (table->entry_of(headers).value_or(1'000) != place) FAIL(to_string(headers, "p"));
    }
  }
}

TEST_CASE("where the outermost tag decides, nothing is compared", "[lookup_cost]") {
  Match match;
  match.port = Interval<kMaxPorts - 1>::exactly(kPort.value());
  match.vlan = Interval<4095>::exactly(kVlan.number());
  const auto table =
      SliceTable::compile({{.match = match, .slice = SliceId{7}, .precedence = 0, .source = 0}});
  REQUIRE(table);
  CHECK(table->longest_lookup().comparisons == 0);
  CHECK(table->longest_lookup().slices.empty());
}
