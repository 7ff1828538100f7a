// SPDX-License-Identifier: Apache-2.0
#include "classifier/slice_table.hpp"

#include <catch2/catch.hpp>
#include <string>

#include "classifier/algebra.hpp"
#include "classifier/frame_builder.hpp"
#include "tests/classifier/random_flows.hpp"

using namespace bulkhead;

namespace {

using Entries = std::vector<FlowspaceEntry>;

FlowspaceEntry entry(uint16_t slice, const Match& match, int32_t precedence = 0) {
  return {match, SliceId{slice}, precedence, 0};
}

SliceTable compiled(Entries entries) {
  auto table = SliceTable::compile(std::move(entries));
  REQUIRE(table);
  return std::move(*table);
}

Verdict classify(const SliceTable& table, const Headers& headers) {
  const auto frame = build_frame(headers);
  FrameTag tag;
  return table.classify(headers.port, FrameView{frame.data(), static_cast<uint32_t>(frame.size())}, tag);
}

/// Every entry asked in turn.
std::optional<uint32_t> naive_winner(const Entries& entries, const Headers& headers) {
  std::optional<uint32_t> best;
  for (uint32_t i = 0; i < entries.size(); ++i) {
    if (best && entries[i].precedence <= entries[*best].precedence) continue;
    if (test::oracle_matches(entries[i].match, headers)) best = i;
  }
  return best;
}

void check_against_naive(const Entries& entries, test::RandomFlows& random, int packets, uint64_t& claimed) {
  const SliceTable table = compiled(entries);
  for (int n = 0; n < packets; ++n) {
    const Headers h = random.headers();
    const auto winner = naive_winner(entries, h);
    const Verdict expected = winner ? Verdict::of(entries[*winner].slice) : Verdict::unclaimed();
    claimed += winner ? 1 : 0;
    if (classify(table, h) != expected) FAIL("classify: " << to_string(h, "p"));
    if (table.lookup(h) != expected) FAIL("lookup: " << to_string(h, "p"));
    if (table.entry_of(h) != winner) FAIL("entry_of: " << to_string(h, "p"));
  }
}

Match on_vlan(uint32_t first, uint32_t last) {
  Match m;
  m.vlan = {first, last};
  return m;
}

}  // namespace

TEST_CASE("a table says what asking every entry says", "[slice_table]") {
  test::RandomFlows random{20};
  uint64_t claimed = 0;
  for (int round = 0; round < 600; ++round) {
    const uint32_t size = 1 + random.below(round % 50 == 0 ? 1'000 : 30);
    const uint32_t sparsity = 2 + random.below(6);
    Entries entries;
    for (uint32_t i = 0; i < size; ++i) {
      const auto slice = static_cast<uint16_t>(random.below(20));
      entries.push_back(entry(slice, random.match(sparsity), static_cast<int32_t>(random.below(4)) - 2));
    }
    check_against_naive(entries, random, 300, claimed);
  }
  CHECK(claimed > 10'000);
}

TEST_CASE("the same, where most entries have one VLAN", "[slice_table]") {
  test::RandomFlows random{21};
  uint64_t claimed = 0;
  for (int round = 0; round < 300; ++round) {
    const uint32_t size = 1 + random.below(100);
    Entries entries;
    for (uint32_t i = 0; i < size; ++i) {
      Match match = random.match(4);
      if (!random.one_in(5)) match.vlan.last = match.vlan.first = random.headers().vlan.number();
      entries.push_back(entry(static_cast<uint16_t>(i), match, static_cast<int32_t>(random.below(3))));
    }
    check_against_naive(entries, random, 300, claimed);
  }
  CHECK(claimed > 10'000);
}

TEST_CASE("a VLAN slice is found by the tag alone", "[slice_table]") {
  const SliceTable table = compiled({entry(7, on_vlan(100, 100)), entry(8, on_vlan(200, 299))});
  Headers h;
  h.vlan = Vlan{100};
  h.pcp = 3;
  auto frame = build_frame(h);
  frame[16] = 0x08;  // IPv4, of which nothing is there
  frame[17] = 0x00;
  FrameTag tag;
  const FrameView view{frame.data(), 18};
  CHECK(table.classify(PortId{0}, view, tag) == Verdict::of(SliceId{7}));
  CHECK(tag.vlan == Vlan{100});
  CHECK(tag.pcp == 3);
  CHECK(table.classify(PortId{kMaxPorts}, view, tag) == Verdict::unclaimed());
  CHECK(table.classify(PortId{0}, FrameView{frame.data(), 17}, tag) == Verdict::malformed());
  CHECK(table.depth_at(PortId{0}, Vlan{100}) == ParseDepth::l2);
  h.vlan = Vlan{299};
  CHECK(classify(table, h) == Verdict::of(SliceId{8}));
  h.vlan = Vlan{300};
  CHECK(classify(table, h) == Verdict::unclaimed());
}

TEST_CASE("a frame is malformed only where an entry looks at what is broken", "[slice_table]") {
  Match dns = on_vlan(10, 10);
  dns.l4_dst = Interval<Headers::kNoL4Port>::exactly(53);
  Match web = on_vlan(20, 29);
  web.l4_dst = Interval<Headers::kNoL4Port>::exactly(80);
  Match ipv4 = on_vlan(30, 39);
  ipv4.ethertype = Interval<65535>::exactly(kEthertypeIpv4);
  const SliceTable table = compiled({entry(1, dns), entry(2, web), entry(3, ipv4)});

  Headers h;
  h.pcp = 0;
  h.ethertype = kEthertypeIpv4;
  h.ip_src.family = h.ip_dst.family = IpAddress::Family::v4;
  h.ip_proto = 17;
  h.dscp = 0;
  h.l4_src = h.l4_dst = 53;
  struct Case {
    uint16_t vlan;
    Verdict verdict;
    ParseDepth depth;
  };
  for (const Case& c :
       {Case{10, Verdict::malformed(), ParseDepth::l4}, Case{20, Verdict::malformed(), ParseDepth::l4},
        Case{29, Verdict::malformed(), ParseDepth::l4}, Case{30, Verdict::of(SliceId{3}), ParseDepth::l2},
        Case{40, Verdict::unclaimed(), ParseDepth::l2}}) {
    h.vlan = Vlan{c.vlan};
    const auto frame = build_frame(h);
    FrameTag tag;
    CHECK(table.classify(h.port, FrameView{frame.data(), 18 + 20 + 7}, tag) == c.verdict);
    CHECK(table.depth_at(h.port, h.vlan) == c.depth);
  }
}

TEST_CASE("entries that look at Ethernet only need nothing else of a frame", "[slice_table]") {
  test::RandomFlows random{23};
  uint64_t claimed = 0;
  for (int round = 0; round < 200; ++round) {
    Entries entries;
    for (uint32_t i = 0; i < 40; ++i) {
      Match m = random.match(2);
      m.ip_src = m.ip_dst = IpSet::any();
      m.ip_proto = {};
      m.dscp = {};
      m.l4_src = m.l4_dst = {};
      m.vlan = {};
      m.port = {};
      entries.push_back(entry(static_cast<uint16_t>(i), m, static_cast<int32_t>(random.below(3))));
    }
    const SliceTable table = compiled(entries);
    for (int n = 0; n < 200; ++n) {
      const Headers h = random.headers();
      const auto frame = build_frame(h);
      const uint32_t tags = h.vlan.is_tagged() ? (is_tag_type(h.ethertype) ? 8 : 4) : 0;
      const auto winner = naive_winner(entries, h);
      claimed += winner ? 1 : 0;
      FrameTag tag;
      const Verdict verdict = table.classify(h.port, FrameView{frame.data(), 14 + tags}, tag);
      if (verdict != (winner ? Verdict::of(entries[*winner].slice) : Verdict::unclaimed()))
        FAIL("round " << round << ": " << to_string(h, "p"));
    }
  }
  CHECK(claimed > 10'000);
}

TEST_CASE("nothing compiled claims nothing", "[slice_table]") {
  const SliceTable table = compiled({});
  CHECK(classify(table, Headers{}) == Verdict::unclaimed());
  CHECK_FALSE(table.entry_of(Headers{}));
  Match impossible;
  impossible.pcp.bits = 0;
  CHECK(classify(compiled({entry(0, impossible)}), Headers{}) == Verdict::unclaimed());
}

TEST_CASE("slices and ports out of range are refused", "[slice_table]") {
  CHECK_FALSE(SliceTable::compile({entry(kMaxSlices, Match{})}));
  Match beyond;
  beyond.port.last = kMaxPorts;
  CHECK_FALSE(SliceTable::compile({entry(0, beyond)}));
  CHECK(SliceTable::compile({entry(kMaxSlices - 1, Match{})}));
}

TEST_CASE("many prefixes, port ranges and addresses of one VLAN", "[slice_table]") {
  test::RandomFlows random{22};
  Entries entries;
  for (uint16_t i = 0; i < 6'000; ++i) {
    Match m = on_vlan(100, 100);
    const auto high = static_cast<uint8_t>(i >> 8);
    const auto low = static_cast<uint8_t>(i);
    if (i % 3 == 0) m.ip_dst = {false, IpPrefix{{10, high, low}, 24}, std::nullopt};
    if (i % 3 == 1) m.l4_dst = {i * 10u, i * 10u + 9};
    if (i % 3 == 2) m.eth_src = {uint64_t{i} << 4, 0xffff'ffff'fff0};
    entries.push_back(entry(i, m, i % 3));
  }
  const SliceTable table = compiled(entries);
  for (int n = 0; n < 3'000; ++n) {
    const auto i = static_cast<uint16_t>(random.below(6'000));
    Headers h = *witness(entries[i].match);
    if (random.one_in(2)) h.ip_dst.bytes = {10, static_cast<uint8_t>(random.below(32)), 5, 1};
    if (random.one_in(2)) h.l4_dst = random.below(65'536);
    if (random.one_in(2)) h.eth_src = MacAddress{random.below(100'000)};
    const auto winner = naive_winner(entries, h);
    if (table.entry_of(h) != winner) FAIL("entry " << i << ": " << to_string(h, "p"));
    if (classify(table, h) != (winner ? Verdict::of(entries[*winner].slice) : Verdict::unclaimed()))
      FAIL("entry " << i << ": " << to_string(h, "p"));
  }
}
