// SPDX-License-Identifier: Apache-2.0
// Ports over the devices that DPDK brings along: null and pcap.
#include "nic/port.hpp"

#include <rte_ethdev.h>

#include <catch2/catch.hpp>
#include <numeric>

#include "tests/control/temporary_directory.hpp"
#include "tests/support/eal.hpp"
#include "tests/support/frames.hpp"
#include "tests/support/pcap_file.hpp"

using namespace bulkhead;
using namespace bulkhead::test;

namespace {

constexpr QueueId kQueue{0};

Port open_port(const std::string& device, PacketPool& pool) {
  auto port = Port::open({.name = "uplink", .device = device}, pool);
  if (!port) FAIL(port.error().message());
  return std::move(*port);
}

std::string refusal(const PortOptions& options, PacketPool& pool) {
  const auto port = Port::open(options, pool);
  return port ? "opened" : port.error().message();
}

bool device_exists(const std::string& name) {
  uint16_t number = 0;
  return rte_eth_dev_get_port_by_name(name.c_str(), &number) == 0;
}

/// Frames of these sizes, each with bytes of its own.
std::vector<Frame> frames_of(const std::vector<std::size_t>& sizes) {
  std::vector<Frame> frames;
  for (const std::size_t size : sizes)
    frames.push_back(udp(kAlice, kBob, size, static_cast<uint8_t>(7 * size)));
  return frames;
}

/// Receives all there is and sends it back out.
std::vector<Frame> reflect(const Port& port) {
  std::vector<Frame> seen;
  for (Burst burst; port.receive(kQueue, burst, 32, Cycles{1}) > 0;) {
    for (const Packet packet : burst.span()) seen.push_back(bytes_of(packet));
    const uint32_t sent = port.transmit(kQueue, burst.span());
    CHECK(sent == burst.size());
    free_packets(burst.span().subspan(sent));
    burst.release();
  }
  return seen;
}

}  // namespace

TEST_CASE("a null device gives frames without end and swallows all", "[port]") {
  PacketPool pool = make_pool();
  const LeakCheck leak(pool);
  {
    const Port port = open_port("net_null0,size=64", pool);
    CHECK(port.driver() == "net_null");
    CHECK(port.mtu() == 1500);
    CHECK(port.max_frame() == 1522);
    CHECK(port.takes_segments());
    CHECK(port.link().up);
    CHECK(port.link().speed == 10_Gbps);
    Burst burst;
    CHECK(port.receive(kQueue, burst, 32, Cycles{7}) == 32);
    CHECK(port.receive(kQueue, burst, 1000, Cycles{8}) == 32);  // no more than the burst has room for
    CHECK(port.receive(kQueue, burst, 32, Cycles{9}) == 0);
    CHECK(burst[0].state().arrival == Cycles{7});
    CHECK(burst[32].state().arrival == Cycles{8});
    CHECK(burst[0].state().length == 64);
    CHECK_FALSE(burst[0].state().vlan.is_tagged());
    CHECK(port.transmit(kQueue, burst.span()) == 64);
    burst.release();
    CHECK(port.statistics().received_packets == 64);
    CHECK(port.statistics().transmitted_packets == 64);
  }
  CHECK(leak.lost() == 0);
  CHECK_FALSE(device_exists("net_null0"));
}

TEST_CASE("frames pass a pcap device byte for byte, also those longer than a buffer", "[port]") {
  struct Row {
    const char* description;
    std::vector<std::size_t> sizes;
  };
  const std::vector<Row> rows{{"minimum to full", {60, 61, 64, 128, 1513, 1514, 1518}},
                              {"about one buffer", {2047, 2048, 2049}},
                              {"jumbo", {4096, 9000, 9014, 9216}},
                              {"mixed", {9000, 60, 5000, 60, 60, 2049}}};
  PacketPool pool = make_pool();
  const LeakCheck leak(pool);
  for (const Row& row : rows) {
    INFO(row.description);
    const TemporaryDirectory directory;
    const std::vector<Frame> frames = frames_of(row.sizes);
    write_pcap(directory.file("in.pcap"), frames);
    {
      const Port port = open_port(
          "net_pcap0,rx_pcap=" + directory.file("in.pcap") + ",tx_pcap=" + directory.file("out.pcap"), pool);
      CHECK(reflect(port) == frames);
      CHECK(port.statistics().received_packets == frames.size());
      CHECK(port.statistics().transmitted_packets == frames.size());
      CHECK(port.statistics().missed_packets == 0);
    }
    CHECK(read_pcap(directory.file("out.pcap")) == frames);
  }
  CHECK(leak.lost() == 0);
}

TEST_CASE("a frame that finds no buffer is counted as missed", "[port]") {
  PacketPool pool = make_pool(15);
  const TemporaryDirectory directory;
  write_pcap(directory.file("in.pcap"), frames_of({60, 60, 60}));
  const Port port = open_port("net_pcap0,rx_pcap=" + directory.file("in.pcap"), pool);
  Burst all;
  while (all.size() < 15) all.push_back(pool.allocate());
  Burst burst;
  CHECK(port.receive(kQueue, burst, 32, {}) == 0);
  CHECK(port.statistics().missed_packets > 0);
}

TEST_CASE("a port that cannot be opened says which, why, and what to do", "[port]") {
  struct Row {
    const char* description;
    PortOptions options;
    std::string begins;
    std::string ends;
  };
  const std::vector<Row> rows{
      {"no such driver",
       {.name = "uplink", .device = "net_nonsense0"},
       "port uplink (device net_nonsense0): no DPDK driver has this name; write a PCI address such as "
       "0000:3b:00.0 or a virtual device such as net_af_packet0,iface=veth1",
       ""},
      {"no such PCI device",
       {.name = "uplink", .device = "0000:ff:1f.7"},
       "port uplink (device 0000:ff:1f.7): there is no such device on the PCI bus; name one that "
       "`ls /sys/bus/pci/devices` shows",
       ""},
      {"an interface that is not there",
       {.name = "uplink", .device = "net_af_packet0,iface=no-such-if"},
       "port uplink (device net_af_packet0,iface=no-such-if): there is no interface no-such-if; name one "
       "that "
       "`ip link` shows in this network namespace",
       ""},
      {"a capture that is not there",
       {.name = "uplink", .device = "net_pcap0,rx_pcap=/no/such/file.pcap"},
       "port uplink (device net_pcap0,rx_pcap=/no/such/file.pcap): cannot be ",
       ""},
      {"an argument that the driver does not know",
       {.name = "uplink", .device = "net_null0,colour=blue"},
       "port uplink (device net_null0,colour=blue): cannot be found or attached: ",
       ""},
      {"a name that is empty",
       {.name = "uplink", .device = ""},
       "port uplink (device ): cannot be found",
       ""}};
  PacketPool pool = make_pool();
  const LeakCheck leak(pool);
  const TemporaryDirectory directory;
  write_pcap(directory.file("in.pcap"), frames_of({60}));
  for (Row row : rows) {
    INFO(row.description);
    for (std::string* text : {&row.options.device, &row.begins})
      if (const auto at = text->find("=IN"); at != std::string::npos)
        text->replace(at + 1, 2, directory.file("in.pcap"));
    const std::string said = refusal(row.options, pool);
    INFO(said);
    CHECK(said.starts_with(row.begins));
    CHECK(said.ends_with(row.ends));
    CHECK(said.find('\n') == std::string::npos);
    CHECK(rte_eth_dev_count_avail() == 0);  // nothing is left behind
  }
  CHECK(leak.lost() == 0);
}

TEST_CASE("a device serves one port at a time, and the first is not disturbed", "[port]") {
  PacketPool pool = make_pool();
  const Port first = open_port("net_null0", pool);
  const std::string said = refusal({.name = "other", .device = "net_null0"}, pool);
  INFO(said);
  CHECK(said.starts_with("port other (device net_null0): "));
  Burst burst;
  CHECK(first.receive(kQueue, burst, 32, {}) == 32);
}

TEST_CASE("a port opened and closed twenty times leaves nothing behind", "[port]") {
  PacketPool pool = make_pool();
  const LeakCheck leak(pool);
  const TemporaryDirectory directory;
  const std::vector<Frame> frames = frames_of({60, 9000, 60});
  write_pcap(directory.file("in.pcap"), frames);
  for (int round = 0; round < 20; ++round) {
    const Port port = open_port("net_pcap0,rx_pcap=" + directory.file("in.pcap"), pool);
    Burst burst;
    CHECK(port.receive(kQueue, burst, 32, {}) == 3);
  }
  CHECK(leak.lost() == 0);
  CHECK_FALSE(device_exists("net_pcap0"));
}

TEST_CASE("a port can be moved, and is closed once", "[port]") {
  PacketPool pool = make_pool();
  {
    Port first = open_port("net_null0", pool);
    const Port second = std::move(first);
    CHECK(second.driver() == "net_null");
    CHECK(second.max_frame() == 1522);
    Burst burst;
    CHECK(second.receive(kQueue, burst, 32, {}) == 32);
  }
  CHECK_FALSE(device_exists("net_null0"));
  CHECK(pool.in_use() == 0);
}

TEST_CASE("a device's driver is known by both of its names", "[port]") {
  CHECK(has_driver("net_af_packet0,iface=veth1", "af_packet"));
  CHECK(has_driver("eth_af_packet0,iface=veth1", "af_packet"));
  CHECK_FALSE(has_driver("net_af_xdp0,iface=veth1", "af_packet"));
  CHECK_FALSE(has_driver("0000:3b:00.0", "af_packet"));
  CHECK_FALSE(has_driver("net", "af_packet"));
}

TEST_CASE("a buffer is as large as AF_PACKET's ring asks for", "[port]") {
  CHECK(data_room_of("net_null0") == 2048);
  CHECK(data_room_of("0000:3b:00.0") == 2048);
  CHECK(data_room_of("net_af_packet0,iface=veth1") == 2048);
  CHECK(data_room_of("net_af_packet0,iface=veth1,framesz=1024") == 2048);
  CHECK(data_room_of("net_af_packet0,iface=veth1,framesz=16384,framecnt=256") == 16384);
  CHECK(data_room_of("eth_af_packet0,iface=veth1,framesz=16384,framecnt=256") == 16384);
  CHECK(data_room_of("net_null0,framesz=16384") == 2048);
  CHECK(data_room_of("net_af_packet0,iface=veth1,framesz=99999999") == 65'000);
  CHECK(data_room_of("net_af_packet0,iface=veth1,framesz=nonsense") == 2048);
}
