// SPDX-License-Identifier: Apache-2.0
#include "control/snapshot_source.hpp"

#include <utility>

namespace bulkhead {
namespace {

constexpr std::chrono::milliseconds kFresh{100};

}  // namespace

void SnapshotSource::attach(const Appliance* appliance) {
  const std::lock_guard lock(mutex_);
  appliance_ = appliance;
  if (appliance != nullptr) latest_.reset();
}

std::shared_ptr<const Snapshot> SnapshotSource::latest() {
  const std::lock_guard lock(mutex_);
  const auto now = std::chrono::steady_clock::now();
  if (latest_ && (appliance_ == nullptr || now - taken_ < kFresh)) return latest_;
  Snapshot next;
  next.version = BULKHEAD_VERSION;
  next.not_ready_because = "the appliance is starting";
  if (appliance_ != nullptr) {
    next = appliance_->snapshot();
    rates_.fill(next, now.time_since_epoch());
    taken_ = now;
  }
  auto made = std::make_shared<const Snapshot>(std::move(next));
  if (appliance_ != nullptr) latest_ = made;
  return made;
}

}  // namespace bulkhead
