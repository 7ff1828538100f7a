// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "nic/units.hpp"

namespace bulkhead {

/// Tells from the time that workers account for whether they still visit. A worker's busy and idle cycles
/// follow each other without a gap, so that their sum is how far its clock has come; where it falls behind
/// the real one, the worker is stuck in a round, or not run at all. Costs the worker nothing. One thread.
class WorkerWatch {
 public:
  /// A worker that is `patience` behind does not visit. `now`: when the workers were started.
  WorkerWatch(std::size_t workers, Cycles patience, Cycles now);

  /// `accounted`: busy + idle cycles of each worker, read before `now` was. Returns the first that does not
  /// visit.
  [[nodiscard]] std::optional<std::size_t> stuck(const std::vector<uint64_t>& accounted, Cycles now);

 private:
  Cycles patience_;
  Cycles started_;
  /// By worker: the least it was ever behind, which is how much later than `started_` it began. Nothing yet:
  /// it has not finished a round.
  std::vector<std::optional<uint64_t>> began_after_;
};

}  // namespace bulkhead
