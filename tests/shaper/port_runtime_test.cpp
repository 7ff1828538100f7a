// SPDX-License-Identifier: Apache-2.0
#include "shaper/port_runtime.hpp"

#include <catch2/catch.hpp>

#include "nic/clock.hpp"
#include "tests/shaper/box.hpp"

using namespace bulkhead;
using namespace bulkhead::test;

TEST_CASE("a port's two directions are claimed apart", "[port_runtime]") {
  PacketPool pool = make_pool();
  RingDevice ring("apart", 7);
  auto port = Port::open({.name = "uplink", .device = ring.device()}, pool);
  REQUIRE(port);
  PortRuntime runtime("uplink", std::move(*port), {.speed = 10_Gbps, .clock_hz = clock_hz()});
  CHECK(runtime.name == "uplink");
  CHECK(runtime.egress.speed() == 10_Gbps);
  REQUIRE(runtime.receive_claim.try_take());
  CHECK(runtime.egress_claim.try_take());
  CHECK_FALSE(runtime.receive_claim.try_take());
}
