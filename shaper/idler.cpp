// SPDX-License-Identifier: Apache-2.0
#include "shaper/idler.hpp"

#include <sys/prctl.h>

#include <algorithm>
#include <chrono>
#include <thread>

namespace bulkhead {
namespace {

constexpr uint32_t kLookAgain = 64;  // rounds without sleep: the next packet of a burst is often just behind
constexpr std::chrono::microseconds kLongestNap{50};
constexpr std::chrono::microseconds kShortestNap{20};

}  // namespace

bool Idler::had_none(std::chrono::nanoseconds until_due) {
  if (fruitless_rounds_ < kLookAgain + kLongestNap.count()) ++fruitless_rounds_;
  if (fruitless_rounds_ <= kLookAgain) return false;
  const std::chrono::nanoseconds nap = std::chrono::microseconds{fruitless_rounds_ - kLookAgain};
  // A sleep takes longer than it is told to: what is due sooner than that is waited for awake.
  if (until_due < kShortestNap) return false;
  std::this_thread::sleep_for(std::min(nap, until_due));
  return true;
}

void use_precise_naps() {
  // The kernel may otherwise lengthen every sleep by 50 us to join wake-ups (prctl(2), PR_SET_TIMERSLACK).
  prctl(PR_SET_TIMERSLACK, 1'000, 0, 0, 0);
}

}  // namespace bulkhead
