// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "nic/error.hpp"

namespace bulkhead {

/// Pins the calling thread to one core and makes it known to DPDK (which gives it a packet cache of its own
/// in every pool), for the lifetime of this object. Create and destroy it in the same thread.
class WorkerThread {
 public:
  static Result<WorkerThread> enter(std::optional<uint32_t> core);

  WorkerThread(WorkerThread&& other) noexcept : entered_(other.entered_) { other.entered_ = false; }
  WorkerThread(const WorkerThread&) = delete;
  WorkerThread& operator=(const WorkerThread&) = delete;
  WorkerThread& operator=(WorkerThread&&) = delete;
  ~WorkerThread();

 private:
  WorkerThread() = default;
  bool entered_ = true;
};

/// The cores this process may run on (its affinity mask), ascending.
[[nodiscard]] std::vector<uint32_t> usable_cores();

}  // namespace bulkhead
