// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <memory>
#include <mutex>

#include "control/appliance.hpp"
#include "control/rate_meter.hpp"
#include "control/snapshot.hpp"

namespace bulkhead {

/// The newest snapshot for whoever asks, at most a tenth of a second old: however many ask, the counters are
/// read ten times a second, and not at all while nobody asks. Any thread.
class SnapshotSource {
 public:
  /// From now on there is something to count; null: no longer.
  void attach(const Appliance* appliance);

  [[nodiscard]] std::shared_ptr<const Snapshot> latest();

 private:
  std::mutex mutex_;
  const Appliance* appliance_ = nullptr;
  RateMeter rates_;
  std::shared_ptr<const Snapshot> latest_;
  std::chrono::steady_clock::time_point taken_;
};

}  // namespace bulkhead
