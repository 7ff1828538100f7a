// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>

#include "nic/clock.hpp"
#include "shaper/stolen_time.hpp"

namespace bulkhead {

/// A worker's clock, read at burst boundaries, and its ledger: every cycle is charged to a slice, or belongs
/// to idling, to the worker's own overhead, or to whoever stole it. The end of one lap is the beginning of
/// the next, so that none is counted twice or left out. One thread.
class CpuMeter {
 public:
  /// Starts at `now`; does not look for stolen time.
  explicit CpuMeter(Cycles now) : now_(now) {}

  /// Looks for stolen time from now on: each millisecond, and after each lap that was suspiciously long. For
  /// the thread that calls this.
  void watch_for_theft();

  /// The end of the last lap.
  [[nodiscard]] Cycles now() const { return now_; }

  /// Ends the lap; returns how long it took, without what was stolen meanwhile.
  Cycles lap() {
    const Cycles end = clock_now();
    const Cycles time = end - now_;
    now_ = end;
    if (end >= next_check_ || time >= suspicious_) [[unlikely]]
      return without_stolen(time);
    return time;
  }
  /// Ends a lap in which the thread slept.
  void slept();

  /// So much of the laps was for slices.
  void charge(uint64_t cycles) { charged_ += cycles; }

  /// In all, in cycles.
  [[nodiscard]] uint64_t charged() const { return charged_; }
  [[nodiscard]] uint64_t stolen() const { return stolen_total_; }

 private:
  Cycles without_stolen(Cycles lap);

  Cycles now_;
  uint64_t charged_ = 0;
  Cycles next_check_{UINT64_MAX};  // never, but for watch_for_theft
  Cycles suspicious_{UINT64_MAX};
  uint64_t stolen_total_ = 0;
  uint64_t undeducted_ = 0;  // stolen, and not yet taken off a lap
  Cycles interval_;
  std::optional<StolenTime> stolen_;
};

}  // namespace bulkhead
