// SPDX-License-Identifier: Apache-2.0
#include "shaper/homes.hpp"

#include <atomic>
#include <catch2/catch.hpp>
#include <thread>

using namespace bulkhead;

TEST_CASE("all slices begin with the first worker", "[homes]") {
  const Homes homes(70, 2);
  CHECK(homes.workers() == 2);
  for (const std::size_t slice : {std::size_t{0}, std::size_t{63}, std::size_t{64}, std::size_t{69}}) {
    CHECK(homes.is_home(0, slice));
    CHECK_FALSE(homes.is_home(1, slice));
  }
}

TEST_CASE("a slice that moves is at home with its new worker alone, and the others stay", "[homes]") {
  Homes homes(70, 3);
  homes.move(65, 2);
  homes.move(3, 1);
  homes.move(3, 2);
  CHECK(homes.mask(2, 0) == 0b1000);
  CHECK(homes.mask(2, 1) == 0b10);
  CHECK(homes.mask(1, 0) == 0);
  CHECK(homes.mask(0, 0) == ~uint64_t{0b1000});
  CHECK(homes.worker_of(3) == 2);
  CHECK(homes.worker_of(4) == 0);
  homes.move(3, 0);
  CHECK(homes.mask(0, 0) == ~uint64_t{0});
  CHECK(homes.mask(2, 0) == 0);
}

TEST_CASE("a slice that moves is at no moment without a home", "[homes]") {
  Homes homes(1, 2);
  std::atomic<bool> done{false};
  std::thread mover([&] {
    for (int i = 0; i < 20'000; ++i) homes.move(0, static_cast<std::size_t>(i % 2));
    done = true;
  });
  // Asked one after the other it may have gone to the first behind our back: then it has been with it.
  uint64_t homeless = 0;
  while (!done) {
    const bool with_first = homes.is_home(0, 0);
    const bool with_second = homes.is_home(1, 0);
    if (!with_first && !with_second && !homes.is_home(0, 0) && !homes.is_home(1, 0)) ++homeless;
  }
  mover.join();
  CHECK(homes.is_home(1, 0));
  CHECK(homeless < 20'000);
}
