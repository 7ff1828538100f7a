// SPDX-License-Identifier: Apache-2.0
// What a port promises, whatever driver is beneath it.
#include <net/if.h>
#include <rte_dev.h>
#include <rte_ethdev.h>

#include <array>
#include <catch2/catch.hpp>

#include "nic/port.hpp"
#include "tests/nic/far_end.hpp"
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

void send(const Port& port, Packet packet) {
  Burst burst;
  burst.push_back(packet);
  REQUIRE(port.transmit(kQueue, burst.span()) == 1);
  burst.release();
}

/// What the port receives of a frame of kBob's; frames that the kernel sends on its own are passed over.
Frame received_by(const Port& port, FarEnd& far, const Frame& sent) {
  Frame received;
  bool under_way = false;
  const bool came = eventually([&] {
    under_way = under_way || far.send(sent);
    Burst burst;
    if (port.receive(kQueue, burst, 1, {}) == 1) received = bytes_of(burst[0]);
    return received.size() >= kEthernetHeaderSize && MacAddress::load(&received[6]) == kBob;
  });
  return came ? received : Frame{};
}

struct Driver {
  const char* name;
  std::string device;
  std::unique_ptr<FarEnd> (*far_end)(PacketPool&);
  bool takes_segments;
  int64_t keeps;  // buffers, most, that the driver never gives back
};

// DPDK 22.11's AF_XDP driver closes its socket with the 2048 buffers that wait to be filled, and those whose
// transmission the kernel has not reported yet. It leaves no way to them.
constexpr int64_t kFillRing = 2048;
constexpr int64_t kFewInFlight = 2;

const std::vector<Driver>& drivers() {
  static const std::vector<Driver> kDrivers{
      {"net_null", "net_null0", no_end, true, 0},
      {"net_pcap", "net_pcap0,iface=bh-near", cable_end, true, 0},
      {"net_ring", "net_ring_far", ring_end, true, 0},
      {"net_af_packet", "net_af_packet0,iface=bh-near", cable_end, true, 0},
      {"net_af_xdp", "net_af_xdp0,iface=bh-near", cable_end, false, kFillRing + kFewInFlight},
      {"net_tap", "net_tap0,iface=bh-tap", tap_end, true, 0},
      {"net_memif", "net_memif0,role=client,socket=bh-memif", memif_end, true, 0}};
  return kDrivers;
}

/// What is sent arrives, every byte, in both directions.
void check_exchange(const Port& port, const PacketPool& pool, FarEnd& far) {
  const Frame full = udp(kAlice, kBob, 1514);
  send(port, packet_of(pool, full));
  CHECK(far.receive() == full);
  // A port that cannot send segments must say so: its driver would send the right number of bytes, of which
  // all behind the first segment are another packet's.
  const Frame halves = udp(kAlice, kBob, 200);
  if (port.takes_segments()) {
    send(port, in_used_buffers(pool, halves, 100));
    CHECK(far.receive() == halves);
  }
  const Frame answer = udp(kBob, kAlice, 1514);
  CHECK(received_by(port, far, answer) == answer);
}

}  // namespace

TEST_CASE("frames pass every driver whole, and its buffers come back", "[port]") {
  PacketPool pool = make_pool(16'383);
  for (const Driver& driver : drivers()) {
    INFO(driver.device);
    const LeakCheck leak(pool);
    {
      const auto far = driver.far_end(pool);
      const Port port = open_port(driver.device, pool);
      far->connect();
      CHECK(port.driver() == driver.name);
      CHECK(port.takes_segments() == driver.takes_segments);
      CHECK(eventually([&] { return port.link().up; }));
      if (driver.far_end != no_end) check_exchange(port, pool, *far);
    }
    CHECK(leak.lost() <= driver.keeps);
    CHECK(rte_eth_dev_count_avail() == 0);
  }
}

TEST_CASE("a port closes while its peer goes, again and again", "[port]") {
  PacketPool pool = make_pool(4095);
  const LeakCheck leak(pool);
  for (int round = 0; round < 100; ++round) {
    INFO("round " << round);
    const std::string socket = ",socket=bh-memif-" + std::to_string(round);  // the driver keeps the last one
    const Port peer = open_port("net_memif1,role=server" + socket, pool);
    const Port port = open_port("net_memif0,role=client" + socket, pool);
    CHECK(eventually([&] { return port.link().up && peer.link().up; }));
    // The port goes first, and while its peer hears of that in DPDK's interrupt thread, it goes too.
  }
  CHECK(leak.lost() == 0);
  CHECK(rte_eth_dev_count_avail() == 0);
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
      const KernelLink wire("bh-eal");
      send(port, packet_of(pool, numbered(7)));
      CHECK(wire.receive_from(kAlice) == numbered(7));
    }
    CHECK(leak.lost() == 0);
    CHECK(rte_eth_dev_count_avail() == 0);
  }
}

TEST_CASE("an interface that is down has no link, and what is sent there is counted as failed", "[port]") {
  PacketPool pool = make_pool();
  const VethPair cable("bh-down", "bh-down-far");
  const Port port = open_port("net_af_packet0,iface=bh-down", pool);
  CHECK(eventually([&] { return port.link().up; }));
  send(port, packet_of(pool, numbered(1)));
  CHECK(port.statistics().transmitted_packets == 1);
  CHECK(port.statistics().failed_packets == 0);

  shell("ip link set bh-down-far down");  // the other end of the cable
  CHECK(eventually([&] { return !port.link().up; }));
  shell("ip link set bh-down-far up");
  CHECK(eventually([&] { return port.link().up; }));

  shell("ip link set bh-down down");
  CHECK(eventually([&] { return !port.link().up; }));
  for (int i = 0; i < 10; ++i) send(port, packet_of(pool, numbered(1)));
  CHECK(port.statistics().transmitted_packets == 1);
  CHECK(port.statistics().failed_packets == 10);
  shell("ip link set bh-down up");
  CHECK(eventually([&] { return port.link().up; }));

  shell("ip link delete bh-down");
  CHECK(eventually([&] { return !port.link().up; }));
}

TEST_CASE("an AF_PACKET ring too small for its interface's frames is refused under both names", "[port]") {
  PacketPool pool = make_pool();
  const VethPair cable("bh-jumbo", "bh-jumbo-far");
  shell("ip link set bh-jumbo mtu 9000");
  for (const std::string name : {"net_af_packet0", "eth_af_packet0"}) {
    INFO(name);
    const auto port = Port::open({.name = "uplink", .device = name + ",iface=bh-jumbo"}, pool);
    REQUIRE_FALSE(port);
    CHECK(port.error().message() ==
          "port uplink (device " + name +
              ",iface=bh-jumbo): frames of its interface's MTU 9000 do not fit into the ring's; add "
              "framesz=16384 and blocksz, a multiple of it, to the device, or lower the MTU");
  }
  CHECK(rte_eth_dev_count_avail() == 0);
}

TEST_CASE("a port that is refused its device does not close it for the one that has it", "[port]") {
  PacketPool pool = make_pool();
  const ProbedDevice device("net_null0", "");
  const Port first = open_port("net_null0", pool);
  CHECK_FALSE(Port::open({.name = "other", .device = "net_null0"}, pool));
  Burst burst;
  CHECK(first.receive(kQueue, burst, 32, {}) == 32);
}
