// SPDX-License-Identifier: Apache-2.0
#include "shaper/idler.hpp"

#include <sys/prctl.h>
#include <sys/resource.h>

#include <catch2/catch.hpp>
#include <chrono>

using namespace bulkhead;

namespace {

constexpr auto kNothingDue = std::chrono::nanoseconds::max();

/// How often this thread has given its core up of its own accord.
long sleeps() {
  rusage usage{};
  getrusage(RUSAGE_THREAD, &usage);
  return usage.ru_nvcsw;
}

}  // namespace

TEST_CASE("a worker looks again a while before it sleeps, and anew after work", "[idler]") {
  Idler idler;
  for (int round = 0; round < 3; ++round) {
    const long before = sleeps();
    for (int i = 0; i < 64; ++i) idler.had_none(kNothingDue);
    CHECK(sleeps() == before);
    for (int i = 0; i < 5; ++i) idler.had_none(kNothingDue);
    CHECK(sleeps() >= before + 5);
    idler.had_work();
  }
}

TEST_CASE("what is due soon is waited for awake", "[idler]") {
  Idler idler;
  const long before = sleeps();
  for (int i = 0; i < 200; ++i) idler.had_none(std::chrono::microseconds{5});
  CHECK(sleeps() == before);
  for (int i = 0; i < 5; ++i) idler.had_none(std::chrono::microseconds{30});
  CHECK(sleeps() >= before + 5);
}

TEST_CASE("naps are as short as asked for", "[idler]") {
  use_precise_naps();
  CHECK(prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0) == 1'000);
}
