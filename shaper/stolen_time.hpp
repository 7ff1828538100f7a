// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>

#include "nic/units.hpp"

namespace bulkhead {

/// Tells how much of a thread's time others had: its clock went on, and it did not run. The hypervisor or the
/// kernel took its core. Pure: all times are arguments. One thread.
class StolenTime {
 public:
  struct Moment {
    Cycles clock;
    Nanoseconds cpu;  // that the thread has had, of this moment
  };

  /// `hz`: of the clock.
  StolenTime(uint64_t hz, Moment start) : hz_(hz), last_(start) {}

  /// The thread slept for so long, of its own will, since the last `check`.
  void slept(Cycles time) { slept_ += time; }

  /// What was stolen since the last call, or since the start.
  [[nodiscard]] Cycles check(Moment now) {
    const auto gone = static_cast<int64_t>((now.clock - last_.clock).count());
    const auto ran = static_cast<int64_t>(static_cast<unsigned __int128>((now.cpu - last_.cpu).count()) *
                                          hz_ / kNanosecondsPerSecond);
    // The two clocks are not read at quite the same moment: what one check counts too much, the next lacks.
    balance_ += gone - static_cast<int64_t>(slept_.count()) - ran;
    last_ = now;
    slept_ = {};
    const int64_t stolen = std::max<int64_t>(balance_, 0);
    // Going to sleep and waking up are counted by both clocks: that much of a debt is no reason to overlook
    // what is stolen later.
    balance_ = std::clamp<int64_t>(balance_ - stolen, -most_debt(), 0);
    return Cycles{static_cast<uint64_t>(stolen)};
  }

 private:
  static constexpr uint64_t kNanosecondsPerSecond = 1'000'000'000;
  [[nodiscard]] int64_t most_debt() const { return static_cast<int64_t>(hz_ / 100'000); }  // 10 us

  uint64_t hz_;
  Moment last_;
  Cycles slept_;
  int64_t balance_ = 0;
};

}  // namespace bulkhead
