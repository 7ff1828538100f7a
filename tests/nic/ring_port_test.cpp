// SPDX-License-Identifier: Apache-2.0
#include "nic/ring_port.hpp"

#include <array>
#include <catch2/catch.hpp>
#include <optional>

#include "nic/port.hpp"
#include "tests/support/eal.hpp"

namespace bulkhead {
namespace {

using namespace test;

Port open(PacketPool& pool, const std::string& name) {
  auto port = Port::open({.name = name, .device = RingPort::device_of(name)}, pool);
  if (!port) FAIL(port.error().message());
  return std::move(*port);
}

}  // namespace

TEST_CASE("what goes in at the far end the port receives, and what it transmits comes out there") {
  PacketPool pool = make_pool(511, 2048);
  {
    auto ring = RingPort::create("far", 3);
    REQUIRE(ring);
    const Port port = open(pool, "far");
    constexpr std::array<uint8_t, 60> kBytes{1, 2, 3};
    REQUIRE(ring->inject(pool.allocate(kBytes)));
    Burst burst;
    CHECK(port.receive(QueueId{0}, burst, 32, Cycles{1}) == 1);
    CHECK(port.transmit(QueueId{0}, burst.span()) == 1);
    burst.release();
    ring->collect(burst);
    REQUIRE(burst.size() == 1);
    CHECK(burst[0].length() == 60);
    CHECK(burst[0].data()[2] == 3);
  }
  CHECK(pool.in_use() <= 384);  // this thread's cache
}

TEST_CASE("a full ring takes no more, and its packets go back at the end") {
  PacketPool pool = make_pool(3, 2048);
  constexpr std::array<uint8_t, 60> kBytes{};
  {
    auto ring = RingPort::create("small", 2);
    REQUIRE(ring);
    CHECK(ring->inject(pool.allocate(kBytes)));
    CHECK(ring->inject(pool.allocate(kBytes)));
    const Packet third = pool.allocate(kBytes);
    CHECK_FALSE(ring->inject(third));
    free_packets({&third, 1});
  }
  for (int i = 0; i < 3; ++i) CHECK(pool.allocate().mbuf() != nullptr);
}

TEST_CASE("two devices of one name cannot be") {
  const auto first = RingPort::create("same", 3);
  REQUIRE(first);
  const auto second = RingPort::create("same", 3);
  REQUIRE_FALSE(second);
  CHECK_THAT(second.error().message(), Catch::Contains("ring same-rx"));
}

}  // namespace bulkhead
