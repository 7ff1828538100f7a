// SPDX-License-Identifier: Apache-2.0
#include "classifier/wire_model.hpp"

#include <catch2/catch.hpp>

#include "tests/classifier/model_bench.hpp"

using namespace bulkhead;
using namespace bulkhead::test;

TEST_CASE("a wire passes everything to its other end, in order", "[wire_model]") {
  WireModel wire;
  ModelBench bench(wire, 2);
  const std::vector<Frame> frames{udp(kAlice, kBob), udp(kBob, kAlice), udp(kAlice, kEveryone),
                                  udp(kAlice, MacAddress{0x0180'c200'0000}),  // a spanning tree's
                                  tag(udp(kAlice, kBob), 100, 5)};
  CHECK(bench.forward(0, frames) == ModelBench::Sent{{1, frames}});
  CHECK(bench.forward(1, frames) == ModelBench::Sent{{0, frames}});
  CHECK(bench.copies() == 0);
  CHECK(bench.pool().in_use() == 0);
  CHECK(wire.learned_addresses() == 0);
  CHECK(wire.unlearned_addresses() == 0);
}
