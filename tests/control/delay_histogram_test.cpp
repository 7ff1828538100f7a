// SPDX-License-Identifier: Apache-2.0
#include "control/delay_histogram.hpp"

#include <catch2/catch.hpp>

namespace bulkhead {

TEST_CASE("extremes and mean are exact, quantiles within a sixteenth") {
  DelayHistogram delays;
  for (uint64_t delay = 1; delay <= 100'000; ++delay) delays.record(delay);
  CHECK(delays.least() == 1);
  CHECK(delays.most() == 100'000);
  CHECK(delays.mean() == 50'000);
  for (const double share : {0.001, 0.25, 0.5, 0.9, 0.99, 1.0}) {
    const double exact = share * 100'000;
    CHECK(static_cast<double>(delays.quantile(share)) >= exact);
    CHECK(static_cast<double>(delays.quantile(share)) <= exact * 17 / 16 + 1);
  }
}

TEST_CASE("any delay has its place") {
  DelayHistogram delays;
  CHECK(delays.mean() == 0);
  CHECK(delays.quantile(0.99) == 0);
  delays.record(UINT64_MAX);
  CHECK(delays.quantile(0.99) == UINT64_MAX);
  delays.record(0);
  CHECK(delays.least() == 0);
  CHECK(delays.quantile(0.5) == 0);
}

}  // namespace bulkhead
