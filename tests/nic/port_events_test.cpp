// SPDX-License-Identifier: Apache-2.0
#include "nic/port_events.hpp"

#include <array>
#include <catch2/catch.hpp>
#include <functional>

#include "nic/port.hpp"
#include "tests/support/device_events.hpp"
#include "tests/support/eal.hpp"
#include "tests/support/frames.hpp"
#include "tests/support/kernel_link.hpp"
#include "tests/support/ring_device.hpp"

using namespace bulkhead;
using namespace bulkhead::test;

namespace {

constexpr QueueId kQueue{0};

Result<Port> try_port(const std::string& device, PacketPool& pool) {
  return Port::open({.name = "uplink", .device = device, .expected_speed = BitsPerSecond{25'000'000'000}},
                    pool);
}

Port open_port(const std::string& device, PacketPool& pool) {
  auto port = try_port(device, pool);
  if (!port) FAIL(port.error().message());
  return std::move(*port);
}

/// How many of the frames that wait in the ring the port receives.
uint32_t received_by(const Port& port) {
  Burst burst;
  return port.receive(kQueue, burst, 32, {});
}

}  // namespace

TEST_CASE("a device says that it wants a reset, or was removed", "[port_events]") {
  PacketPool pool = make_pool();
  RingDevice ring("events");
  RingDevice other("bystander");
  const Port bystander = open_port(other.device(), pool);
  struct Row {
    const char* description;
    std::function<void()> happens;
    PortTrouble trouble;
  };
  const std::vector<Row> rows{
      {"nothing", [] {}, PortTrouble::none},
      {"a reset", [&] { ask_for_reset(ring.device()); }, PortTrouble::reset},
      {"a removal, as its driver says", [&] { say_removed(ring.device()); }, PortTrouble::removed},
      {"a removal, as its bus says", [&] { ask_for_release(ring.device()); }, PortTrouble::removed},
      {"a reset before a removal",
       [&] {
         ask_for_reset(ring.device());
         say_removed(ring.device());
       },
       PortTrouble::removed},
      {"a reset after a removal",
       [&] {
         say_removed(ring.device());
         ask_for_reset(ring.device());
       },
       PortTrouble::removed}};
  for (const Row& row : rows) {
    INFO(row.description);
    Port port = open_port(ring.device(), pool);
    row.happens();
    CHECK(port.trouble() == row.trouble);
    // It is told to the port also where that has moved since it was opened, and to no other.
    const Port moved = std::move(port);
    CHECK(moved.trouble() == row.trouble);
    CHECK(bystander.trouble() == PortTrouble::none);
  }
}

TEST_CASE("a closed port answers what was known, hears nothing, and may be opened again in its place",
          "[port_events]") {
  PacketPool pool = make_pool();
  const LeakCheck leak(pool);
  {
    RingDevice ring("again");
    Port port = open_port(ring.device(), pool);
    const uint32_t max_frame = port.max_frame();
    ring.inject(pool, numbered(1));
    CHECK(received_by(port) == 1);
    CHECK(port.statistics().received_packets == 1);
    ask_for_reset(ring.device());

    port.close();
    ask_for_reset(ring.device());
    ask_for_release(ring.device());
    CHECK_FALSE(port.is_open());
    CHECK(port.trouble() == PortTrouble::none);
    CHECK(port.max_frame() == max_frame);
    CHECK(port.driver() == "net_ring");
    CHECK_FALSE(port.link().up);
    CHECK(port.link().speed == BitsPerSecond{10'000'000'000});
    CHECK(port.statistics().received_packets == 0);
    port.close();

    ring.inject(pool, numbered(2));
    port = open_port(ring.device(), pool);
    CHECK(port.is_open());
    CHECK(port.trouble() == PortTrouble::none);
    CHECK(received_by(port) == 1);
    CHECK(port.statistics().received_packets == 1);
    ask_for_reset(ring.device());
    CHECK(port.trouble() == PortTrouble::reset);
  }
}

TEST_CASE("a device is removed with the kernel's interface beneath it, and is back with that",
          "[port_events]") {
  PacketPool pool = make_pool();
  const std::string device = "net_af_packet0,iface=bh-gone";
  const VethPair cable("bh-gone", "bh-gone-far");
  Port port = open_port(device, pool);
  shell("ip link set bh-gone-far down");
  CHECK(eventually([&] { return !port.link().up; }));
  CHECK(port.trouble() == PortTrouble::none);

  shell("ip link delete bh-gone");
  CHECK(port.trouble() == PortTrouble::removed);
  port.close();
  const auto absent = try_port(device, pool);
  REQUIRE_FALSE(absent);
  CHECK_THAT(absent.error().message(), Catch::StartsWith("port uplink (device " + device +
                                                         "): there is no interface bh-gone; name one that"));

  shell("ip link add bh-gone type veth peer name bh-gone-far");
  shell("ip link set bh-gone up");
  shell("ip link set bh-gone-far up");
  port = open_port(device, pool);
  CHECK(port.trouble() == PortTrouble::none);
  CHECK(eventually([&] { return port.link().up; }));
}
