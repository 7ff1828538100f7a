// SPDX-License-Identifier: Apache-2.0
#include "control/worker_watch.hpp"

#include <catch2/catch.hpp>

namespace bulkhead {
namespace {

constexpr Cycles kPatience{1'000};
constexpr Cycles kStart{5'000};

std::optional<std::size_t> stuck(WorkerWatch& watch, const std::vector<uint64_t>& accounted,
                                 uint64_t passed) {
  return watch.stuck(accounted, kStart + Cycles{passed});
}

TEST_CASE("workers whose clocks keep up visit", "[worker_watch]") {
  WorkerWatch watch(2, kPatience, kStart);
  CHECK_FALSE(stuck(watch, {10, 20}, 100));
  CHECK_FALSE(stuck(watch, {9'000, 9'900}, 10'000));
  CHECK_FALSE(stuck(watch, {1'000'000, 999'500}, 1'000'000));
}

TEST_CASE("the first worker that fell behind by more than the patience does not visit", "[worker_watch]") {
  WorkerWatch watch(3, kPatience, kStart);
  CHECK_FALSE(stuck(watch, {1'000, 1'000, 1'000}, 1'000));
  CHECK_FALSE(stuck(watch, {2'000, 1'000, 2'000}, 2'000));
  CHECK(stuck(watch, {2'001, 1'000, 2'001}, 2'001) == 1u);
  CHECK(stuck(watch, {2'001, 1'000, 2'001}, 9'000) == 0u);
  SECTION("until it goes on: the time in which it did not is then part of its account") {
    CHECK_FALSE(stuck(watch, {9'100, 9'100, 9'100}, 9'100));
  }
}

TEST_CASE("a worker that began late is not behind for ever", "[worker_watch]") {
  WorkerWatch watch(1, kPatience, kStart);
  CHECK_FALSE(stuck(watch, {500}, 3'000));
  CHECK_FALSE(stuck(watch, {7'000}, 9'500));
  CHECK(stuck(watch, {7'000}, 10'501) == 0u);
}

TEST_CASE("a worker that never finished a round does not visit", "[worker_watch]") {
  WorkerWatch watch(1, kPatience, kStart);
  CHECK_FALSE(stuck(watch, {0}, 1'000));
  CHECK(stuck(watch, {0}, 1'001) == 0u);
  CHECK_FALSE(stuck(watch, {1}, 50'000));  // it began after all
}

TEST_CASE("a worker whose core's clock is ahead is not behind", "[worker_watch]") {
  WorkerWatch watch(1, kPatience, kStart);
  CHECK_FALSE(stuck(watch, {120}, 100));
  CHECK_FALSE(stuck(watch, {1'050}, 2'050));
  CHECK(stuck(watch, {1'050}, 2'051) == 0u);
}

}  // namespace
}  // namespace bulkhead
