// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "nic/packet_pool.hpp"
#include "shaper/layout.hpp"
#include "shaper/published.hpp"
#include "shaper/worker.hpp"
#include "shaper/worker_pool.hpp"

namespace bulkhead {

/// The running data path: workers that visit a layout, and the way to give them another. Control thread only.
class Dataplane {
 public:
  struct Options {
    std::vector<uint32_t> cores;  // one worker each
    IdlePolicy idle = IdlePolicy::nap;
    std::function<void(std::string)> on_failure;  // from a worker's thread
  };

  /// Starts the workers on `first`. The pool must outlive the data path.
  static Result<std::unique_ptr<Dataplane>> start(const Options& options, const PacketPool& pool,
                                                  std::unique_ptr<const Layout> first);

  Dataplane(const Dataplane&) = delete;
  Dataplane& operator=(const Dataplane&) = delete;
  ~Dataplane();

  /// Makes all workers use `next`. Slices that are in the old layout and not in the new one are emptied,
  /// their packets counted as `shutdown`; when this returns, nothing uses what only the old one held.
  void publish(std::unique_ptr<const Layout> next);

  /// Receives no more, forwards what is queued for at most `patience`, and ends the workers. What is left
  /// then is dropped and counted (`shutdown`).
  void stop(std::chrono::nanoseconds patience);

  [[nodiscard]] const Layout& layout() const { return layouts_.current(); }
  [[nodiscard]] const std::vector<WorkerTime>& worker_times() const { return times_; }

 private:
  Dataplane(std::size_t workers, std::unique_ptr<const Layout> first);
  void end_workers(std::chrono::steady_clock::time_point deadline);

  bool stopped_ = false;
  std::vector<WorkerTime> times_;
  Published<Layout> layouts_;
  std::atomic<Phase> phase_{Phase::running};
  std::vector<std::unique_ptr<Worker>> workers_;
  std::unique_ptr<WorkerPool> pool_;  // last: its end waits for the workers
};

}  // namespace bulkhead
