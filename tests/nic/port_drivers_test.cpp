// SPDX-License-Identifier: Apache-2.0
// What a port promises, whatever driver is beneath it.
#include <array>
#include <catch2/catch.hpp>

#include "nic/port.hpp"
#include "tests/support/eal.hpp"
#include "tests/support/frames.hpp"
#include "tests/support/kernel_link.hpp"

using namespace bulkhead;
using namespace bulkhead::test;

namespace {

constexpr QueueId kQueue{0};

/// A packet in two segments, in buffers that are still full of what an earlier packet left there.
Packet in_used_buffers(const PacketPool& pool, const Frame& frame, uint32_t first) {
  const std::array<uint32_t, 1> sizes{first};
  const Packet packet = segmented(pool, frame, sizes);
  std::fill(packet.data() + first, packet.data() + pool.data_room(), uint8_t{0x77});
  return packet;
}

void check_sent(const Port& port, Packet packet, const KernelLink& wire) {
  const Frame frame = bytes_of(packet);
  Burst burst;
  burst.push_back(packet);
  REQUIRE(port.transmit(kQueue, burst.span()) == 1);
  burst.release();
  CHECK(wire.receive_from(kAlice) == frame);
}

/// What is sent arrives, every byte. A port that cannot do so with segments must say so: its driver would
/// send the right number of bytes, of which all behind the first segment are another packet's.
void check_transmits(const Port& port, const PacketPool& pool, const KernelLink& wire) {
  check_sent(port, packet_of(pool, udp(kAlice, kBob, 1514)), wire);
  if (port.takes_segments()) check_sent(port, in_used_buffers(pool, udp(kAlice, kBob, 200), 100), wire);
}

}  // namespace

TEST_CASE("AF_XDP sends no other packet's bytes in place of a second segment's", "[port]") {
  PacketPool pool = make_pool(8191);
  const VethPair cable("bh-xdp", "bh-xdp-far");
  const KernelLink wire("bh-xdp-far");
  auto port = Port::open({.name = "uplink", .device = "net_af_xdp0,iface=bh-xdp"}, pool);
  if (!port) FAIL(port.error().message());
  check_transmits(*port, pool, wire);
}
