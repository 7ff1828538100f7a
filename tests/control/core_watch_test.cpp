// SPDX-License-Identifier: Apache-2.0
#include "control/core_watch.hpp"

#include <array>
#include <catch2/catch.hpp>

namespace bulkhead {

TEST_CASE("the longest time between two looks is the looker's absence, not the workers'") {
  std::array<WorkerTime, 1> workers;
  CoreWatch watch(workers, Cycles{1000});
  for (const uint64_t now : {1010u, 1090u, 1100u}) {
    workers[0].idle.add(1);
    watch.look(Cycles{now});
  }
  CHECK(watch.own() == Cycles{80});
  CHECK(watch.worker() == Cycles{0});
}

TEST_CASE("a worker that accounts for no time is away") {
  std::array<WorkerTime, 2> workers;
  CoreWatch watch(workers, Cycles{1000});
  for (uint64_t now = 1010; now <= 1100; now += 10) {
    workers[0].busy.add(10);
    if (now > 1070) workers[1].busy.add(10);
    watch.look(Cycles{now});
  }
  CHECK(watch.own() == Cycles{10});
  CHECK(watch.worker() == Cycles{70});
}

}  // namespace bulkhead
