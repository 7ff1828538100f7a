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

}  // namespace

void Idler::had_none() {
  if (fruitless_rounds_ < kLookAgain + kLongestNap.count()) ++fruitless_rounds_;
  if (fruitless_rounds_ <= kLookAgain) return;
  std::this_thread::sleep_for(std::chrono::microseconds{fruitless_rounds_ - kLookAgain});
}

void use_precise_naps() {
  // The kernel may otherwise lengthen every sleep by 50 us to join wake-ups (prctl(2), PR_SET_TIMERSLACK).
  prctl(PR_SET_TIMERSLACK, 1'000, 0, 0, 0);
}

}  // namespace bulkhead
