// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <optional>

#include "control/snapshot.hpp"

namespace bulkhead {

/// Fills in a snapshot's per-second rates from the snapshot before it. One thread; time is an argument.
///
/// A counter that went backwards (its slice was restarted), a slice or port that was not there before, a
/// first snapshot and an interval without length all give a rate of 0: never a negative or an invented one.
class RateMeter {
 public:
  /// `now` is a monotonic clock's reading at the moment `snapshot` was taken: the wall clock may be set back.
  void fill(Snapshot& snapshot, std::chrono::nanoseconds now);

 private:
  std::optional<Snapshot> previous_;
  std::chrono::nanoseconds previous_time_{};
};

}  // namespace bulkhead
