// SPDX-License-Identifier: Apache-2.0
#include "classifier/egress_tag.hpp"

#include <array>
#include <catch2/catch.hpp>
#include <optional>
#include <vector>

#include "tests/support/eal.hpp"
#include "tests/support/frames.hpp"

using namespace bulkhead;
using namespace bulkhead::test;

namespace {

using Outcome = EgressTag::Outcome;
using Vlans = std::vector<Interval<Vlan::kCount - 1>>;

EgressTag tag_for(const Vlans& vlans) {
  std::vector<Match> entries;
  for (const auto& vlan : vlans) {
    Match match;
    match.vlan = vlan;
    entries.push_back(match);
  }
  return EgressTag(entries);
}

constexpr Interval<Vlan::kCount - 1> vid(uint32_t number) { return {number, number}; }
constexpr auto kUntagged = vid(Vlan::kUntagged);

const Frame kPlain = udp(kAlice, kBob);

struct Row {
  const char* description;
  Vlans vlans;
  Frame packet;
  Outcome outcome;
  Frame expected;  // unchanged where empty
};

const std::vector<Row>& rows() {
  static const std::vector<Row> kRows{
      {"set: another VID", {vid(200)}, tag(kPlain, 100), Outcome::ready, tag(kPlain, 200)},
      {"set keeps PCP and DEI",
       {vid(200)},
       tag(kPlain, 100, 5, true),
       Outcome::ready,
       tag(kPlain, 200, 5, true)},
      {"set keeps a service tag's identifier",
       {vid(200)},
       tag(kPlain, 100, 3, false, kEthertypeServiceTag),
       Outcome::ready,
       tag(kPlain, 200, 3, false, kEthertypeServiceTag)},
      {"set leaves an inner tag alone",
       {vid(200)},
       tag(tag(kPlain, 7, 1), 100, 5),
       Outcome::ready,
       tag(tag(kPlain, 7, 1), 200, 5)},
      {"set on a priority tag", {vid(200)}, tag(kPlain, 0, 6), Outcome::ready, tag(kPlain, 200, 6)},
      {"set to VLAN 0", {vid(0)}, tag(kPlain, 100, 2), Outcome::ready, tag(kPlain, 0, 2)},
      {"the tag it has already", {vid(100)}, tag(kPlain, 100, 5), Outcome::ready, {}},
      {"several entries of one VLAN are one",
       {vid(200), vid(200)},
       tag(kPlain, 100),
       Outcome::ready,
       tag(kPlain, 200)},
      {"push", {vid(200)}, kPlain, Outcome::ready, tag(kPlain, 200)},
      {"push on a minimum frame",
       {vid(4094)},
       udp(kAlice, kBob, 60),
       Outcome::ready,
       tag(udp(kAlice, kBob, 60), 4094)},
      {"pop", {kUntagged}, tag(kPlain, 100, 5, true), Outcome::ready, kPlain},
      {"pop of a service tag",
       {kUntagged},
       tag(kPlain, 100, 0, false, kEthertypeServiceTag),
       Outcome::ready,
       kPlain},
      {"pop of a priority tag", {kUntagged}, tag(kPlain, 0, 7), Outcome::ready, kPlain},
      {"untagged already", {kUntagged}, kPlain, Outcome::ready, {}},
      {"a pop that would uncover a tag (VLAN hopping)",
       {kUntagged},
       tag(tag(kPlain, 7), 100),
       Outcome::wrong_vlan,
       {}},
      {"the same with a service tag inside",
       {kUntagged},
       tag(tag(kPlain, 7, 0, false, kEthertypeServiceTag), 100),
       Outcome::wrong_vlan,
       {}},
      {"keep one of several", {{100, 199}}, tag(kPlain, 150, 4), Outcome::ready, {}},
      {"keep the first and the last", {{100, 199}}, tag(kPlain, 199), Outcome::ready, {}},
      {"not one of several", {{100, 199}}, tag(kPlain, 200), Outcome::wrong_vlan, {}},
      {"untagged is not one of several tagged", {{100, 199}}, kPlain, Outcome::wrong_vlan, {}},
      {"untagged may be one of several", {vid(100), kUntagged}, kPlain, Outcome::ready, {}},
      {"any keeps everything", {{}}, tag(kPlain, 3), Outcome::ready, {}},
      {"no VLAN at the port at all", {}, kPlain, Outcome::wrong_vlan, {}}};
  return kRows;
}

}  // namespace

TEST_CASE("a frame leaves with the tag that its slice has at the port", "[egress_tag]") {
  const PacketPool pool = make_pool();
  for (const Row& row : rows()) {
    INFO(row.description);
    const EgressTag tag = tag_for(row.vlans);
    Burst owner;
    owner.push_back(packet_of(pool, row.packet));
    CHECK(tag.apply(owner[0]) == row.outcome);
    CHECK(bytes_of(owner[0]) == (row.expected.empty() ? row.packet : row.expected));
    CHECK(owner[0].state().length == owner[0].length());
    if (row.outcome == Outcome::ready && tag.is_single()) CHECK(owner[0].state().vlan == tag.single());
  }
  CHECK(pool.in_use() == 0);
}

TEST_CASE("the rows hold for frames in segments, too", "[egress_tag]") {
  const PacketPool pool = make_pool();
  const std::array<uint32_t, 3> sizes{18, 2, 30};
  for (const Row& row : rows()) {
    INFO(row.description);
    Burst owner;
    owner.push_back(segmented(pool, row.packet, sizes));
    CHECK(tag_for(row.vlans).apply(owner[0]) == row.outcome);
    CHECK(bytes_of(owner[0]) == (row.expected.empty() ? row.packet : row.expected));
  }
  CHECK(pool.in_use() == 0);
}

TEST_CASE("a pushed tag carries the packet's priority", "[egress_tag]") {
  const PacketPool pool = make_pool();
  Burst owner;
  owner.push_back(packet_of(pool, kPlain));
  owner[0].state().pcp = 6;
  CHECK(tag_for({vid(300)}).apply(owner[0]) == Outcome::ready);
  CHECK(bytes_of(owner[0]) == tag(kPlain, 300, 6));
}

TEST_CASE("without headroom a tag is not pushed, and the frame not let out untagged", "[egress_tag]") {
  const PacketPool pool = make_pool();
  Burst owner;
  owner.push_back(packet_of(pool, kPlain));
  REQUIRE(owner[0].prepend(RTE_PKTMBUF_HEADROOM - 3) != nullptr);
  CHECK(tag_for({vid(300)}).apply(owner[0]) == Outcome::no_room);
}

TEST_CASE("a tag says whether it is the only one", "[egress_tag]") {
  CHECK(tag_for({vid(100)}).is_single());
  CHECK(tag_for({vid(100)}).single() == Vlan{100});
  CHECK(tag_for({kUntagged}).is_single());
  CHECK(tag_for({kUntagged}).single() == Vlan::untagged());
  CHECK_FALSE(tag_for({{100, 101}}).is_single());
  CHECK_FALSE(tag_for({{}}).is_single());
}
