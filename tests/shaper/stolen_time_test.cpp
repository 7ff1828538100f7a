// SPDX-License-Identifier: Apache-2.0
#include "shaper/stolen_time.hpp"

#include <catch2/catch.hpp>

using namespace bulkhead;

namespace {

constexpr uint64_t kHz = 2'000'000'000;  // two cycles a nanosecond

StolenTime::Moment at(uint64_t clock, int64_t cpu_nanoseconds) {
  return {.clock = Cycles{clock}, .cpu = Nanoseconds{cpu_nanoseconds}};
}

}  // namespace

TEST_CASE("a thread that runs all the time is stolen nothing", "[stolen_time]") {
  StolenTime stolen(kHz, at(1'000, 70));
  CHECK(stolen.check(at(2'001'000, 1'000'070)) == Cycles{0});
  CHECK(stolen.check(at(4'001'000, 2'000'070)) == Cycles{0});
}

TEST_CASE("what the clock went on and the thread did not was stolen", "[stolen_time]") {
  StolenTime stolen(kHz, at(0, 0));
  CHECK(stolen.check(at(2'000'000, 600'000)) == Cycles{800'000});
  CHECK(stolen.check(at(4'000'000, 1'600'000)) == Cycles{0});
}

TEST_CASE("sleep of its own will is not stolen", "[stolen_time]") {
  StolenTime stolen(kHz, at(0, 0));
  stolen.slept(Cycles{600'000});
  stolen.slept(Cycles{400'000});
  CHECK(stolen.check(at(2'000'000, 500'000)) == Cycles{0});
  CHECK(stolen.check(at(4'000'000, 1'000'000)) == Cycles{1'000'000});
}

TEST_CASE("clocks that are read a little apart steal nothing in the long run", "[stolen_time]") {
  StolenTime stolen(kHz, at(0, 0));
  uint64_t sum = 0;
  for (uint64_t i = 1; i <= 1'000; ++i)
    sum += stolen.check(at(i * 2'000'000, static_cast<int64_t>(i * 1'000'000 - (i % 2) * 300))).count();
  CHECK(sum <= 600);  // once what one reading is late: 300 ns
}

TEST_CASE("a thread that seemed to run too much is not thereby robbed in peace", "[stolen_time]") {
  StolenTime stolen(kHz, at(0, 0));
  stolen.slept(Cycles{2'000'000});  // the kernel counts going to sleep and waking up as running
  CHECK(stolen.check(at(2'000'000, 400'000)) == Cycles{0});
  CHECK(stolen.check(at(4'000'000, 900'000)) >= Cycles{1'000'000 - 20'000});
}
