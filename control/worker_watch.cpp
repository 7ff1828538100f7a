// SPDX-License-Identifier: Apache-2.0
#include "control/worker_watch.hpp"

#include <algorithm>

namespace bulkhead {

WorkerWatch::WorkerWatch(std::size_t workers, Cycles patience, Cycles now)
    : patience_(patience), started_(now), began_after_(workers) {}

std::optional<std::size_t> WorkerWatch::stuck(const std::vector<uint64_t>& accounted, Cycles now) {
  const uint64_t passed = (now - started_).count();
  std::optional<std::size_t> first;
  for (std::size_t worker = 0; worker < began_after_.size(); ++worker) {
    // Cores' clocks may differ by a little, in either direction.
    const uint64_t behind = passed - std::min(passed, accounted[worker]);
    std::optional<uint64_t>& began_after = began_after_[worker];
    if (accounted[worker] > 0) began_after = std::min(began_after.value_or(behind), behind);
    if (behind - began_after.value_or(0) > patience_.count() && !first) first = worker;
  }
  return first;
}

}  // namespace bulkhead
