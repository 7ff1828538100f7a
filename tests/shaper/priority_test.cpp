// SPDX-License-Identifier: Apache-2.0
#include "shaper/priority.hpp"

#include <catch2/catch.hpp>
#include <string>

#include "classifier/parser.hpp"
#include "tests/support/eal.hpp"
#include "tests/support/frames.hpp"

using namespace bulkhead;
using namespace bulkhead::test;

namespace {

/// An untagged frame of this type whose IP header begins with these two bytes.
Frame ip(uint16_t type, uint8_t first, uint8_t second) {
  Frame frame = numbered(1);
  frame[12] = static_cast<uint8_t>(type >> 8);
  frame[13] = static_cast<uint8_t>(type);
  frame[14] = first;
  frame[15] = second;
  return frame;
}

Frame with_dei(Frame frame) {
  frame[14] |= 0x10;
  return frame;
}

}  // namespace

TEST_CASE("a packet has the PCP of its tag, its DSCP or the default, and not more than allowed",
          "[priority]") {
  struct Row {
    std::string description;
    Priority::Rules rules;
    Frame frame;
    uint8_t pcp;
    Frame expected;
  };
  const Frame plain = numbered(7);
  const std::vector<Row> rows{
      {"no rules: the tag's", {}, tag(plain, 100, 6), 6, tag(plain, 100, 6)},
      {"no rules: untagged is best effort", {}, plain, 0, plain},
      {"the default, for untagged frames", {.default_pcp = 3}, plain, 3, plain},
      {"the default is not for tagged frames", {.default_pcp = 3}, tag(plain, 100, 0), 0, tag(plain, 100, 0)},
      {"a tag above the maximum is rewritten", {.max = 5}, tag(plain, 100, 7), 5, tag(plain, 100, 5)},
      {"the drop-eligible bit stays",
       {.max = 2},
       with_dei(tag(plain, 4094, 7)),
       2,
       with_dei(tag(plain, 4094, 2))},
      {"one at the maximum stays", {.max = 5}, tag(plain, 100, 5), 5, tag(plain, 100, 5)},
      {"the default is limited too", {.default_pcp = 6, .max = 4}, plain, 4, plain},
      {"IPv4, DSCP 46 is class 5",
       {.from_dscp = true},
       ip(0x0800, 0x45, 46 << 2),
       5,
       ip(0x0800, 0x45, 46 << 2)},
      {"IPv4, ECN does not count", {.from_dscp = true}, ip(0x0800, 0x45, 0x03), 0, ip(0x0800, 0x45, 0x03)},
      {"IPv6, DSCP 46", {.from_dscp = true}, ip(0x86dd, 0x6b, 0x80), 5, ip(0x86dd, 0x6b, 0x80)},
      {"from DSCP, but not IP: the default",
       {.default_pcp = 2, .from_dscp = true},
       ip(0x0806, 0x45, 0xb8),
       2,
       ip(0x0806, 0x45, 0xb8)},
      {"from DSCP, limited",
       {.from_dscp = true, .max = 3},
       ip(0x0800, 0x45, 56 << 2),
       3,
       ip(0x0800, 0x45, 56 << 2)},
      {"DSCP is not asked of tagged frames",
       {.from_dscp = true},
       tag(ip(0x0800, 0x45, 0xb8), 100, 1),
       1,
       tag(ip(0x0800, 0x45, 0xb8), 100, 1)}};
  const PacketPool pool = make_pool();
  for (const Row& row : rows) {
    INFO(row.description);
    const Packet packet = packet_of(pool, row.frame);
    Priority(row.rules).mark({&packet, 1});
    CHECK(packet.state().pcp == row.pcp);
    CHECK(bytes_of(packet) == row.expected);
    free_packets({&packet, 1});
  }
}

TEST_CASE("a frame that ends before its IP header has the default", "[priority]") {
  const PacketPool pool = make_pool();
  Frame frame = ip(0x0800, 0x45, 0xb8);
  frame.resize(15);
  const Packet packet = packet_of(pool, frame);
  Priority({.default_pcp = 1, .from_dscp = true}).mark({&packet, 1});
  CHECK(packet.state().pcp == 1);
  free_packets({&packet, 1});
}
