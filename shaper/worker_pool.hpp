// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "nic/error.hpp"

namespace bulkhead {

/// A fixed number of threads, each pinned to a core, known to DPDK, and running one resident task until that
/// returns. Where a worker's life, pinning, exceptions and orderly end are handled; what it does is the
/// task's.
///
/// oneTBB provides the threads (a task_arena without a place for the main thread). No task is spawned per
/// burst: spawning costs more than a packet, and waking a sleeping thread milliseconds.
class WorkerPool {
 public:
  struct Options {
    std::vector<uint32_t> cores;                  // one worker each
    std::function<void(std::size_t)> task;        // called once per worker with its number, from 0
    std::function<void(std::string)> on_failure;  // called from a worker whose task threw; one sentence
  };

  /// Returns when every worker has entered its task, or with the reason why one could not.
  static Result<std::unique_ptr<WorkerPool>> start(Options options);

  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;
  /// Waits until every task has returned. Requires: they have been told to.
  ~WorkerPool();

 private:
  struct State;
  explicit WorkerPool(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace bulkhead
