// SPDX-License-Identifier: Apache-2.0
#include "nic/packet.hpp"

#include <algorithm>
#include <array>
#include <catch2/catch.hpp>

#include "tests/support/eal.hpp"
#include "tests/support/frames.hpp"

using namespace bulkhead;
using namespace bulkhead::test;

TEST_CASE("a packet grows and shrinks at its front until its headroom is used up", "[packet]") {
  const PacketPool pool = make_pool();
  const Frame frame = udp(kAlice, kBob);
  Burst owner;
  owner.push_back(packet_of(pool, frame));
  const Packet packet = owner[0];
  uint8_t* const start = packet.data();

  CHECK(packet.prepend(4) == start - 4);
  CHECK(packet.length() == 64);
  packet.trim_front(4);
  CHECK(packet.data() == start);
  CHECK(bytes_of(packet) == frame);

  CHECK(packet.prepend(RTE_PKTMBUF_HEADROOM) == start - RTE_PKTMBUF_HEADROOM);
  CHECK(packet.prepend(1) == nullptr);
  CHECK(packet.length() == 60 + RTE_PKTMBUF_HEADROOM);  // what found no room changed nothing
}

TEST_CASE("a packet in segments grows in its first", "[packet]") {
  const PacketPool pool = make_pool();
  const Frame frame = udp(kAlice, kBob, 200);
  const std::array<uint32_t, 3> sizes{14, 50, 136};
  Burst owner;
  owner.push_back(segmented(pool, frame, sizes));
  CHECK(owner[0].segments() == 3);
  CHECK(owner[0].length() == 200);
  std::fill_n(owner[0].prepend(4), 4, uint8_t{0xaa});
  CHECK(owner[0].length() == 204);
  CHECK(owner[0].view().contiguous() == 18);
  const Frame grown = bytes_of(owner[0]);
  CHECK(Frame(grown.begin(), grown.begin() + 4) == Frame(4, 0xaa));
  CHECK(Frame(grown.begin() + 4, grown.end()) == frame);
}

TEST_CASE("freeing returns every segment of every packet, from whichever pool", "[packet]") {
  const PacketPool one = make_pool(64, 512);
  const PacketPool other = make_pool(64, 512);
  const std::array<Packet, 3> packets{packet_of(one, udp(kAlice, kBob, 2000)),
                                      packet_of(other, udp(kAlice, kBob)),
                                      packet_of(one, udp(kAlice, kBob, 513))};
  CHECK(one.in_use() == 6);
  CHECK(other.in_use() == 1);
  free_packets(packets);
  CHECK(one.in_use() == 0);
  CHECK(other.in_use() == 0);
  free_packets({});
}

TEST_CASE("a burst owns what is in it, until it is released", "[packet]") {
  const PacketPool pool = make_pool();
  Packet kept;
  {
    Burst freed;
    CHECK(freed.empty());
    CHECK(freed.room() == Burst::kCapacity);
    while (freed.room() > 0) freed.push_back(packet_of(pool, numbered(freed.size())));
    CHECK(number_of(bytes_of(freed[63])) == 63);
    Burst released;
    released.push_back(kept = packet_of(pool, udp(kAlice, kBob)));
    released.release();
    CHECK(released.empty());
    CHECK(pool.in_use() == 65);
  }
  CHECK(pool.in_use() == 1);
  free_packets({&kept, 1});
}

TEST_CASE("the state lies in the buffer and survives edits of the frame", "[packet]") {
  const PacketPool pool = make_pool();
  Burst owner;
  owner.push_back(packet_of(pool, tag(udp(kAlice, kBob), 7, 3), Cycles{99}));
  CHECK(owner[0].prepend(4) != nullptr);
  owner[0].trim_front(4);
  CHECK(owner[0].state().arrival == Cycles{99});
  CHECK(owner[0].state().vlan == Vlan{7});
  CHECK(owner[0].state().pcp == 3);
  CHECK(owner[0].state().length == 64);
}
