// SPDX-License-Identifier: Apache-2.0
#include "classifier/forwarding.hpp"

#include <catch2/catch.hpp>

#include "tests/support/eal.hpp"
#include "tests/support/frames.hpp"

using namespace bulkhead;
using namespace bulkhead::test;

TEST_CASE("outputs collect packets by port, and say which were touched", "[forwarding]") {
  const PacketPool pool = make_pool();
  ForwardingOutputs outputs(4, pool);
  CHECK(outputs.touched() == 0);
  outputs.send(2, packet_of(pool, numbered(1)));
  outputs.send(2, packet_of(pool, numbered(2)));
  Burst burst;
  for (uint32_t i = 0; i < 3; ++i) burst.push_back(packet_of(pool, numbered(10 + i)));
  outputs.send_all(0, burst.span());
  CHECK(outputs.touched() == 0b101);
  const std::span<const Packet> sent = outputs.take(2);
  CHECK(sent.size() == 2);
  free_packets(sent);
  CHECK(outputs.take(2).empty());
  CHECK(outputs.take(0).size() == 3);
  CHECK(outputs.take(0).empty());
  CHECK(number_of(bytes_of(burst[2])) == 12);
  CHECK_FALSE(outputs.any_dropped());
  CHECK(outputs.copies() == 0);
}

TEST_CASE("a dropped packet is freed and counted until the next visit", "[forwarding]") {
  const PacketPool pool = make_pool();
  ForwardingOutputs outputs(2, pool);
  outputs.drop(packet_of(pool, numbered(1)), DropReason::no_output);
  outputs.drop(packet_of(pool, numbered(2)), DropReason::no_output);
  CHECK(pool.in_use() == 0);
  CHECK(outputs.any_dropped());
  CHECK(outputs.dropped(DropReason::no_output) == 2);
  CHECK(outputs.dropped(DropReason::queue_full) == 0);
  outputs.reset();
  CHECK_FALSE(outputs.any_dropped());
  CHECK(outputs.dropped(DropReason::no_output) == 0);
}

TEST_CASE("a copy that finds no buffer counts as asked for and as dropped", "[forwarding]") {
  const PacketPool pool = make_pool(2);
  ForwardingOutputs outputs(3, pool);
  Burst original;
  original.push_back(packet_of(pool, numbered(1)));
  outputs.send_copy(0, original[0]);
  outputs.send_copy(1, original[0]);
  CHECK(outputs.copies() == 2);
  CHECK(outputs.touched() == 0b1);
  CHECK(outputs.dropped(DropReason::no_buffer) == 1);
  CHECK(pool.in_use() == 2);
  const std::span<const Packet> sent = outputs.take(0);
  CHECK(bytes_of(sent[0]) == numbered(1));
  free_packets(sent);
}

TEST_CASE("copies are made while the slice may have them, and counted as memory_quota then", "[forwarding]") {
  struct Rooms final : OutputRooms {
    [[nodiscard]] uint32_t room(LocalPort port) const override { return port; }
  };
  const Rooms rooms;
  const PacketPool pool = make_pool();
  ForwardingOutputs outputs(3, pool);
  outputs.limit_copies(&rooms);
  Burst original;
  original.push_back(packet_of(pool, numbered(1)));
  for (uint32_t visit = 0; visit < 2; ++visit) {
    for (LocalPort port = 0; port < 3; ++port)
      for (uint32_t i = 0; i < 3; ++i) outputs.send_copy(port, original[0]);
    CHECK(outputs.copies() == 9);
    CHECK(outputs.touched() == 0b110);
    CHECK(outputs.dropped(DropReason::memory_quota) == 3 + 2 + 1);
    CHECK(outputs.dropped(DropReason::no_buffer) == 0);
    CHECK(pool.in_use() == 1 + 1 + 2);
    free_packets(outputs.take(1));
    free_packets(outputs.take(2));
    outputs.reset();
  }
}

TEST_CASE("what was never taken is freed at the end", "[forwarding]") {
  const PacketPool pool = make_pool();
  {
    ForwardingOutputs outputs(2, pool);
    outputs.send(0, packet_of(pool, numbered(1)));
    outputs.send(1, packet_of(pool, numbered(2)));
  }
  CHECK(pool.in_use() == 0);
}
