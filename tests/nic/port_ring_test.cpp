// SPDX-License-Identifier: Apache-2.0
// A port over rings whose other ends the test holds: what a driver could hand over, and what it could refuse.
#include <array>
#include <catch2/catch.hpp>
#include <functional>

#include "nic/port.hpp"
#include "tests/support/eal.hpp"
#include "tests/support/frames.hpp"
#include "tests/support/ring_device.hpp"

using namespace bulkhead;
using namespace bulkhead::test;

namespace {

constexpr QueueId kQueue{0};

Port open_port(const RingDevice& ring, PacketPool& pool) {
  auto port = Port::open({.name = "uplink", .device = ring.device()}, pool);
  if (!port) FAIL(port.error().message());
  return std::move(*port);
}

/// As a driver does that took the tag off.
Packet stripped(Packet packet, uint16_t tci) {
  packet.mbuf()->ol_flags |= RTE_MBUF_F_RX_VLAN | RTE_MBUF_F_RX_VLAN_STRIPPED;
  packet.mbuf()->vlan_tci = tci;
  return packet;
}

Packet without_headroom(Packet packet) {
  const auto headroom = static_cast<uint16_t>(rte_pktmbuf_headroom(packet.mbuf()));
  std::memmove(packet.data() - headroom, packet.data(), packet.view().contiguous());
  packet.mbuf()->data_off = 0;
  return packet;
}

}  // namespace

TEST_CASE("a tag that the driver took off stands in the frame again, or nothing of the frame does",
          "[port]") {
  PacketPool pool = make_pool();
  const LeakCheck leak(pool);
  const Frame plain = udp(kAlice, kBob, 100);
  const Frame runt(plain.begin(), plain.begin() + 13);
  struct Row {
    const char* description;
    std::function<Packet()> packet;
    Frame expected;
  };
  using Sizes = std::array<uint32_t, 2>;
  const std::vector<Row> rows{
      {"untouched without the flag", [&] { return packet_of(pool, plain); }, plain},
      {"VID, PCP and DEI as stripped", [&] { return stripped(packet_of(pool, plain), 0xb064); },
       tag(plain, 100, 5, true)},
      {"a priority tag", [&] { return stripped(packet_of(pool, plain), 0xe000); }, tag(plain, 0, 7)},
      {"before an inner tag", [&] { return stripped(packet_of(pool, tag(plain, 7)), 100); },
       tag(tag(plain, 7), 100)},
      {"a frame in segments", [&] { return stripped(segmented(pool, plain, Sizes{20, 80}), 100); },
       tag(plain, 100)},
      {"an Ethernet header alone", [&] { return stripped(packet_of(pool, std::span(plain).first(14)), 100); },
       tag(Frame(plain.begin(), plain.begin() + 14), 100)},
      {"a runt is cut to nothing", [&] { return stripped(packet_of(pool, runt), 100); }, {}},
      {"so is a frame without room for the tag",
       [&] { return stripped(without_headroom(packet_of(pool, plain)), 100); },
       {}},
      {"and one in segments without room",
       [&] { return stripped(without_headroom(segmented(pool, plain, Sizes{60, 40})), 100); },
       {}},
      {"and one whose first segment has no whole header",
       [&] { return stripped(segmented(pool, plain, Sizes{8, 92}), 100); },
       {}}};
  {
    RingDevice ring("tags");
    const Port port = open_port(ring, pool);
    for (const Row& row : rows) {
      INFO(row.description);
      REQUIRE(ring.inject(row.packet()));
      Burst burst;
      REQUIRE(port.receive(kQueue, burst, 32, {}) == 1);
      CHECK(bytes_of(burst[0]) == row.expected);
      CHECK(burst[0].length() == row.expected.size());
      CHECK(burst[0].state().length == row.expected.size());
      CHECK((burst[0].mbuf()->ol_flags & RTE_MBUF_F_RX_VLAN_STRIPPED) == 0);
    }
  }
  CHECK(leak.lost() == 0);
}

TEST_CASE("a device that takes only some leaves the others with the caller", "[port]") {
  PacketPool pool = make_pool();
  RingDevice ring("small", 7);
  const Port port = open_port(ring, pool);
  Burst burst;
  for (uint32_t i = 0; i < 10; ++i) burst.push_back(packet_of(pool, numbered(i)));
  const uint32_t sent = port.transmit(kQueue, burst.span());
  CHECK(sent == 7);
  const auto frames = ring.collect();
  REQUIRE(frames.size() == 7);
  for (uint32_t i = 0; i < 7; ++i) CHECK(number_of(frames[i]) == i);
  free_packets(burst.span().subspan(sent));
  burst.release();
  CHECK(pool.in_use() == 0);
}

TEST_CASE("rings of this process stay when the port closes, and can be opened again", "[port]") {
  PacketPool pool = make_pool();
  RingDevice ring("stays");
  for (uint32_t round = 0; round < 20; ++round) {
    const Port port = open_port(ring, pool);
    CHECK(port.link().up);
    ring.inject(pool, numbered(round));
    Burst burst;
    REQUIRE(port.receive(kQueue, burst, 32, {}) == 1);
    CHECK(number_of(bytes_of(burst[0])) == round);
  }
  CHECK(pool.in_use() == 0);
}

TEST_CASE("a port has as many queues of its own as its rings allow, and its profile", "[port]") {
  struct Row {
    std::string description;
    uint16_t rings;
    const NicProfile* profile;
    uint16_t wanted;
    uint16_t had;
  };
  const NicProfile steers{.name = "steers", .drivers = {}, .to_queue = true, .most_queues = 3};
  const std::vector<Row> rows{{"all that are wanted", 3, &steers, 2, 2},
                              {"no more than are wanted", 3, &steers, 1, 1},
                              {"no more than the device has", 2, &steers, 5, 1},
                              {"no more than may be steered to", 6, &steers, 5, 2},
                              {"none where nothing is known of rules", 3, nullptr, 2, 0}};
  PacketPool pool = make_pool();
  const LeakCheck leak(pool);
  for (const Row& row : rows) {
    INFO(row.description);
    RingDevice ring("queues", 15, row.rings);
    const auto port = Port::open(
        {.name = "uplink", .device = ring.device(), .own_queues = row.wanted, .profile = row.profile}, pool);
    REQUIRE(port);
    CHECK(port->own_queues() == row.had);
    for (uint16_t queue = 0; queue <= row.had; ++queue) {
      REQUIRE(ring.offer(pool, numbered(queue), QueueId{queue}));
      Burst burst;
      REQUIRE(port->receive(QueueId{queue}, burst, 32, {}) == 1);
      CHECK(number_of(bytes_of(burst[0])) == queue);
    }
  }
}
