// SPDX-License-Identifier: Apache-2.0
#include "nic/clock.hpp"

#include <catch2/catch.hpp>
#include <chrono>
#include <thread>

using namespace bulkhead;

TEST_CASE("the clock never runs backwards", "[clock]") {
  Cycles last = clock_now();
  for (int i = 0; i < 100'000; ++i) {
    const Cycles now = clock_now();
    if (now < last) FAIL("after reading " << i);
    last = now;
  }
}

TEST_CASE("the clock's rate is what the kernel's clock says", "[clock]") {
  CHECK(clock_hz() == clock_hz());
  const Cycles begin = clock_now();
  const auto since = std::chrono::steady_clock::now();
  // Long enough that being interrupted between two readings of the clocks does not count.
  while (std::chrono::steady_clock::now() - since < std::chrono::milliseconds{500}) std::this_thread::yield();
  const Cycles end = clock_now();
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - since;
  const double measured = static_cast<double>((end - begin).count()) / took.count();
  CHECK(static_cast<double>(clock_hz()) == Approx(measured).epsilon(0.05));
}

TEST_CASE("cycles are nanoseconds by the clock's rate", "[clock]") {
  CHECK(to_nanoseconds(Cycles{0}) == Nanoseconds{0});
  CHECK(to_nanoseconds(Cycles{clock_hz()}) == Nanoseconds{1'000'000'000});
  CHECK(to_nanoseconds(Cycles{UINT64_MAX}) > Nanoseconds{1'000'000'000});
}

TEST_CASE("nanoseconds are cycles by the clock's rate", "[clock]") {
  CHECK(to_cycles(Nanoseconds{0}) == Cycles{0});
  CHECK(to_cycles(Nanoseconds{-5}) == Cycles{0});
  CHECK(to_cycles(Nanoseconds{1'000'000'000}) == Cycles{clock_hz()});
  CHECK(to_cycles(std::chrono::hours{1}) == Cycles{clock_hz() * 3'600});
  CHECK(to_cycles(Nanoseconds::max()) > to_cycles(std::chrono::hours{24 * 365}));
}
