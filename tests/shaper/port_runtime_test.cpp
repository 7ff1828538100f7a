// SPDX-License-Identifier: Apache-2.0
#include "shaper/port_runtime.hpp"

#include <catch2/catch.hpp>

#include "nic/clock.hpp"
#include "tests/shaper/box.hpp"

using namespace bulkhead;
using namespace bulkhead::test;

TEST_CASE("a port that is withdrawn is nobody's, and gives its way out back first", "[port_runtime]") {
  Box box("withdraw", 1, 7, 8191, 10_Gbps, 2);
  PortRuntime& port = box.port(0);
  const auto free = [&] {
    std::string claims;
    const auto look = [&](Claim& claim, const char* name) {
      if (!claim.try_take()) return;
      claims += name;
      claim.release();
    };
    look(port.receive_claim, "r");
    look(port.own_queues[1].claim, "1");
    look(port.own_queues[2].claim, "2");
    look(port.egress_claim, "e");
    return claims;
  };
  CHECK(free() == "r12e");
  for (int attempt = 0; attempt < 2; ++attempt) {
    port.withdraw();
    CHECK(free().empty());
    port.drop_what_is_sent();
    port.drop_what_is_sent();
    CHECK(free() == "e");
  }
  port.withdraw();
  port.admit();
  CHECK(free() == "r12e");
}

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
