// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>

namespace bulkhead {

/// What a worker does when a round moved nothing: looks again at once for a while, then sleeps, longer each
/// time, up to 50 us, and never beyond what is due. Traffic ends that at once.
class Idler {
 public:
  void had_work() { fruitless_rounds_ = 0; }
  /// `until_due`: when something is to be done even if nothing arrives.
  /// Returns whether the thread slept.
  bool had_none(std::chrono::nanoseconds until_due);

 private:
  uint32_t fruitless_rounds_ = 0;
};

/// Makes the calling thread's sleeps as short as they are asked for.
void use_precise_naps();

}  // namespace bulkhead
