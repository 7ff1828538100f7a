// SPDX-License-Identifier: Apache-2.0
#include "shaper/port_runtime.hpp"

#include <catch2/catch.hpp>

#include "nic/clock.hpp"
#include "tests/shaper/box.hpp"

using namespace bulkhead;
using namespace bulkhead::test;

TEST_CASE("a port that ends drops what its device never took, counted as shutdown", "[port_runtime]") {
  PacketPool pool = make_pool();
  RingDevice ring("ends", 7);
  const auto slice = Box::unconnected({.name = "a", .places = {{.port = 0}}});
  SliceOutput& output = *slice->attachments()[0].output;
  {
    auto port = Port::open({.name = "uplink", .device = ring.device()}, pool);
    REQUIRE(port);
    PortRuntime runtime("uplink", std::move(*port), MicrosecondScale(clock_hz()));
    ReadySet ready(1);
    for (uint32_t i = 0; i < 10; ++i) {
      const Packet packet = packet_of(pool, numbered(i));
      REQUIRE(output.queue.push({&packet, 1}) == 1);
      output.entered[0].add(1);
    }
    ready.mark(0);
    CHECK(runtime.egress.visit(ready, {&output}) == 7);
    CHECK(runtime.egress.pending() == 3);
  }
  CHECK(output.dropped.read(DropReason::shutdown) == 3);
  CHECK(output.queued() == 0);
  CHECK(ring.discard() == 7);
  CHECK(pool.in_use() == 0);
}
