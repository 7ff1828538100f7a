// SPDX-License-Identifier: Apache-2.0
#include "nic/clock.hpp"

#include <catch2/catch.hpp>

#include "tests/support/eal.hpp"

using namespace bulkhead;

TEST_CASE("the clock never runs backwards", "[clock]") {
  Cycles last = clock_now();
  for (int i = 0; i < 100'000; ++i) {
    const Cycles now = clock_now();
    if (now < last) FAIL("after reading " << i);
    last = now;
  }
}

TEST_CASE("the clock's rate is calibrated once DPDK has started", "[clock]") {
  test::test_eal();
  CHECK(clock_hz() > 1'000'000);
  CHECK(clock_hz() == clock_hz());
}
