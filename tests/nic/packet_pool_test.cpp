// SPDX-License-Identifier: Apache-2.0
#include "nic/packet_pool.hpp"

#include <rte_mbuf.h>
#include <array>
#include <catch2/catch.hpp>
#include <vector>

#include "tests/support/eal.hpp"
#include "tests/support/frames.hpp"

using namespace bulkhead;
using namespace bulkhead::test;

namespace {

/// Takes packets until there are none left.
std::vector<Packet> exhaust(const PacketPool& pool) {
  std::vector<Packet> taken;
  for (Packet packet = pool.allocate(); packet.mbuf() != nullptr; packet = pool.allocate())
    taken.push_back(packet);
  return taken;
}

}  // namespace

TEST_CASE("a pool gives exactly what it has, then null, and takes it back", "[packet_pool]") {
  const PacketPool pool = make_pool(100);
  CHECK(pool.capacity() == 100);
  CHECK(pool.data_room() == 2048);
  const std::vector<Packet> taken = exhaust(pool);
  CHECK(taken.size() == 100);
  CHECK(pool.in_use() == 100);
  CHECK(pool.allocate(numbered(1)).mbuf() == nullptr);
  free_packets(taken);
  CHECK(pool.in_use() == 0);
}

TEST_CASE("without hugepages, devices find a packet's bytes at their virtual address", "[packet_pool]") {
  const PacketPool pool = make_pool(100);
  const std::vector<Packet> taken = exhaust(pool);
  for (const Packet packet : taken)
    CHECK(rte_pktmbuf_iova(packet.mbuf()) == reinterpret_cast<rte_iova_t>(packet.data()));
  free_packets(taken);
}

TEST_CASE("bytes longer than a segment lie in several", "[packet_pool]") {
  const PacketPool pool = make_pool(100, 512);
  for (const std::size_t size : {60u, 511u, 512u, 513u, 1024u, 1025u, 9000u}) {
    const LeakCheck leak(pool);
    {
      const Frame frame = udp(kAlice, kBob, size);
      Burst owner;
      owner.push_back(packet_of(pool, frame));
      CHECK(owner[0].segments() == (size + 511) / 512);
      CHECK(owner[0].length() == size);
      CHECK(bytes_of(owner[0]) == frame);
    }
    CHECK(leak.lost() == 0);
  }
}

TEST_CASE("a packet that runs out of segments half-way gives them back", "[packet_pool]") {
  const PacketPool pool = make_pool(10, 512);
  const LeakCheck leak(pool);
  CHECK(pool.allocate(udp(kAlice, kBob, 11 * 512)).mbuf() == nullptr);
  CHECK(leak.lost() == 0);
}

TEST_CASE("a copy has the bytes and the state of its original, and a life of its own", "[packet_pool]") {
  const PacketPool pool = make_pool(100, 512);
  const LeakCheck leak(pool);
  const Frame frame = tag(udp(kAlice, kBob, 1300), 100, 5);
  {
    Burst copy;
    {
      Burst original;
      original.push_back(packet_of(pool, frame, Cycles{42}));
      copy.push_back(pool.copy(original[0]));
      original[0].data()[0] = 0xee;
    }
    CHECK(bytes_of(copy[0]) == frame);
    CHECK(copy[0].state().arrival == Cycles{42});
    CHECK(copy[0].state().vlan == Vlan{100});
    CHECK(copy[0].state().pcp == 5);
    CHECK(copy[0].state().length == frame.size());
  }
  CHECK(leak.lost() == 0);
}

TEST_CASE("a copy that finds no room is null and takes nothing", "[packet_pool]") {
  const PacketPool pool = make_pool(5, 512);
  Burst original;
  original.push_back(packet_of(pool, udp(kAlice, kBob, 3 * 512)));
  CHECK(pool.copy(original[0]).mbuf() == nullptr);  // three segments of the two that are left
  CHECK(pool.in_use() == 3);
}

TEST_CASE("a memory's capacity fits into that memory", "[packet_pool]") {
  for (const uint32_t room : {2048u, 9216u, 16384u}) {
    const uint32_t packets = PacketPool::capacity_of(64_MiB, room);
    CHECK(packets * PacketPool::footprint(room).count() <= (64_MiB).count());
    CHECK(packets * PacketPool::footprint(room).count() > (56_MiB).count());
  }
  CHECK(PacketPool::capacity_of(Bytes{0}, 2048) == 0);
}

TEST_CASE("a pool larger than the memory is refused with a sentence", "[packet_pool]") {
  test_eal();
  const auto pool = PacketPool::create("too-large", 1'000'000, 2048);
  REQUIRE_FALSE(pool);
  CHECK(
      pool.error().message() ==
      "packet memory: no room for 1000000 packets of 2048 bytes (Cannot allocate memory); lower [appliance] "
      "memory or reserve more hugepages");
}
