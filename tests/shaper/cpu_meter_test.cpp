// SPDX-License-Identifier: Apache-2.0
#include "shaper/cpu_meter.hpp"

#include <catch2/catch.hpp>
#include <thread>

using namespace bulkhead;

TEST_CASE("laps follow each other without a gap", "[cpu_meter]") {
  const Cycles start = clock_now();
  CpuMeter meter(start);
  Cycles sum;
  for (int i = 0; i < 1'000; ++i) sum += meter.lap();
  CHECK(meter.now() - start == sum);
  CHECK(meter.stolen() == 0);
}

TEST_CASE("what was charged is added up", "[cpu_meter]") {
  CpuMeter meter(Cycles{0});
  meter.charge(10);
  meter.charge(5);
  CHECK(meter.charged() == 15);
}

TEST_CASE("a lap in which the thread was kept from its core is shorter by that", "[cpu_meter]") {
  CpuMeter meter(clock_now());
  meter.watch_for_theft();
  const Cycles start = meter.now();
  // To the meter a sleep that nobody told it of is no different from a core that was taken away.
  std::this_thread::sleep_for(std::chrono::milliseconds{20});
  const Cycles lap = meter.lap();
  const uint64_t gone = (meter.now() - start).count();
  CHECK(gone >= clock_hz() / 50);
  CHECK(lap.count() + meter.stolen() == gone);
  CHECK(lap.count() < gone / 2);
}

TEST_CASE("sleep that the meter was told of is not stolen", "[cpu_meter]") {
  CpuMeter meter(clock_now());
  meter.watch_for_theft();
  std::this_thread::sleep_for(std::chrono::milliseconds{20});
  meter.slept();
  while (meter.now() < clock_now() - Cycles{clock_hz() / 1'000}) (void)meter.lap();
  (void)meter.lap();
  // The machine may be busy, but not for as long as that.
  CHECK(meter.stolen() < clock_hz() / 50);
}
