// SPDX-License-Identifier: Apache-2.0
// What a port promises, whatever driver is beneath it.
#include <net/if.h>
#include <rte_dev.h>
#include <rte_ethdev.h>

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

Port open_port(const std::string& device, PacketPool& pool) {
  auto port = Port::open({.name = "uplink", .device = device}, pool);
  if (!port) FAIL(port.error().message());
  return std::move(*port);
}

/// Probed before any port is opened, as an EAL argument has it. Detached at the end.
class ProbedDevice {
 public:
  ProbedDevice(std::string name, const std::string& arguments) : name_(std::move(name)) {
    REQUIRE(rte_eal_hotplug_add("vdev", name_.c_str(), arguments.c_str()) == 0);
  }
  ProbedDevice(const ProbedDevice&) = delete;
  ProbedDevice& operator=(const ProbedDevice&) = delete;
  ~ProbedDevice() { rte_eal_hotplug_remove("vdev", name_.c_str()); }

 private:
  std::string name_;
};

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
  check_transmits(open_port("net_af_xdp0,iface=bh-xdp", pool), pool, wire);
}

TEST_CASE("a device that an EAL argument had probed is closed, and opens again with its arguments",
          "[port]") {
  enter_private_network();
  PacketPool pool = make_pool(4095);
  const LeakCheck leak(pool);
  const ProbedDevice device("net_tap0", "iface=bh-eal");
  for (int round = 0; round < 3; ++round) {
    INFO("round " << round);
    {
      const Port port = open_port("net_tap0", pool);
      CHECK(pool.in_use() > 0);  // what the device is to fill
      CHECK(if_nametoindex("bh-eal") != 0);
      check_transmits(port, pool, KernelLink("bh-eal"));
    }
    CHECK(leak.lost() == 0);
    CHECK(rte_eth_dev_count_avail() == 0);
  }
}

TEST_CASE("an interface that is down has no link, and what is sent there is counted as failed", "[port]") {
  PacketPool pool = make_pool();
  const VethPair cable("bh-down", "bh-down-far");
  const Port port = open_port("net_af_packet0,iface=bh-down", pool);
  const auto send = [&] {
    Burst burst;
    burst.push_back(packet_of(pool, numbered(1)));
    REQUIRE(port.transmit(kQueue, burst.span()) == 1);
    burst.release();
  };
  CHECK(eventually([&] { return port.link().up; }));
  send();
  CHECK(port.statistics().transmitted_packets == 1);
  CHECK(port.statistics().failed_packets == 0);

  shell("ip link set bh-down-far down");  // the other end of the cable
  CHECK(eventually([&] { return !port.link().up; }));
  shell("ip link set bh-down-far up");
  CHECK(eventually([&] { return port.link().up; }));

  shell("ip link set bh-down down");
  CHECK(eventually([&] { return !port.link().up; }));
  for (int i = 0; i < 10; ++i) send();
  CHECK(port.statistics().transmitted_packets == 1);
  CHECK(port.statistics().failed_packets == 10);
  shell("ip link set bh-down up");
  CHECK(eventually([&] { return port.link().up; }));

  shell("ip link delete bh-down");
  CHECK(eventually([&] { return !port.link().up; }));
}

TEST_CASE("a port that is refused its device does not close it for the one that has it", "[port]") {
  PacketPool pool = make_pool();
  const ProbedDevice device("net_null0", "");
  const Port first = open_port("net_null0", pool);
  CHECK_FALSE(Port::open({.name = "other", .device = "net_null0"}, pool));
  Burst burst;
  CHECK(first.receive(kQueue, burst, 32, {}) == 32);
}
