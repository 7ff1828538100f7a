// SPDX-License-Identifier: Apache-2.0
#include "shaper/claim.hpp"

#include <catch2/catch.hpp>
#include <cstdint>
#include <thread>
#include <vector>

using namespace bulkhead;

TEST_CASE("a claim is held by one at a time", "[claim]") {
  Claim claim;
  CHECK(claim.try_take());
  CHECK_FALSE(claim.try_take());
  claim.release();
  CHECK(claim.try_take());
  claim.release();
  claim.take();
  CHECK_FALSE(claim.try_take());
}

TEST_CASE("what a claim guards needs no lock of its own", "[claim]") {
  constexpr int kRounds = 20'000;
  Claim claim;
  uint64_t guarded = 0;
  uint64_t waited = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 2; ++i)
    threads.emplace_back([&] {
      for (int round = 0; round < kRounds;) {
        if (!claim.try_take()) {
          std::this_thread::yield();
          continue;
        }
        ++guarded;
        ++round;
        claim.release();
      }
    });
  for (int round = 0; round < kRounds; ++round) {
    claim.take();
    ++guarded;
    ++waited;
    claim.release();
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(guarded == 3 * kRounds);
  CHECK(waited == kRounds);
}
