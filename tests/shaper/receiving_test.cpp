// SPDX-License-Identifier: Apache-2.0
// What workers receive in a round, with work left from the last one and without.
#include "shaper/receiving.hpp"

#include <catch2/catch.hpp>
#include <chrono>
#include <string>
#include <vector>

#include "tests/shaper/worker_bench.hpp"

using namespace bulkhead;
using namespace bulkhead::test;

TEST_CASE("packets spread thinly over the same slices are received together before any is visited",
          "[receiving]") {
  std::vector<SliceSpec> specs;
  for (uint16_t vlan = 1; vlan <= 64; ++vlan) specs.push_back(wire_of(std::to_string(vlan), vlan, vlan));
  WorkerBench bench("w-t", 2, specs);
  for (uint32_t i = 0; i < 300; ++i)
    bench.box.ring(0).inject(bench.box.pool(), tag(numbered(i), static_cast<uint16_t>(1 + i % 64)));
  CHECK(bench.round() == 3 * 256);  // four of each slice
  CHECK(bench.round() == 3 * 44);
  CHECK(bench.box.ring(1).discard() == 300);
}

TEST_CASE("a worker with work left receives all that a device holds, so that none is lost there",
          "[receiving]") {
  // So dear that a burst of each is more than a round has time for, and so long a round that the half of it
  // is time enough to receive all, on however slow a machine.
  constexpr Cycles kDear{2'000'000};
  WorkerBench bench("w-k", 2, {costly(100, kDear), costly(101, kDear)}, 2047, {}, kVisit,
                    std::chrono::milliseconds{40});
  const auto received = [&] {
    return account_of(*bench.slices[0].runtime).received + account_of(*bench.slices[1].runtime).received;
  };
  // Two rounds with more to do than they have time for.
  for (int round = 0; round < 2; ++round) {
    flood(bench, 2);
    bench.round();
  }
  const uint64_t before = received();
  for (int i = 0; i < 15; ++i) flood(bench, 2);
  bench.round();
  CHECK(received() - before >= 15 * 2 * 64);
}

TEST_CASE("a worker with work left forwards in every round, however much a device holds", "[receiving]") {
  // The shortest round that there is: half of it is over after the first burst.
  WorkerBench bench("w-m", 2, {costly(100, kCostly), costly(101, kCostly)}, 2047, {}, kVisit, Nanoseconds{1});
  const auto received = [&] {
    return account_of(*bench.slices[0].runtime).received + account_of(*bench.slices[1].runtime).received;
  };
  flood(bench, 2);
  bench.round();
  for (int round = 0; round < 10; ++round) {
    flood(bench, 2);
    const uint64_t before = received();
    bench.box.ring(1).discard();
    bench.round();
    CHECK(received() - before == 64);
    CHECK(bench.box.ring(1).discard() > 0);
  }
}
