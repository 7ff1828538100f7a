// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "nic/packet_pool.hpp"
#include "shaper/layout.hpp"
#include "shaper/published.hpp"
#include "shaper/worker.hpp"
#include "shaper/worker_pool.hpp"

namespace bulkhead {

/// What is to be changed at ports.
using PortChanges = std::map<PortRuntime*, std::vector<EgressChanges::Change>>;

/// The running data path: workers that visit a layout, and the way to give them another. Control thread only.
class Dataplane {
 public:
  struct Options {
    std::vector<uint32_t> cores;  // one worker each
    IdlePolicy idle = IdlePolicy::nap;
    bool balance = true;  // move slices to other workers where that evens out their load
    std::function<void(std::string)> on_failure;  // from a worker's thread
  };

  /// Starts the workers on `first`, which must have been made for as many, as every later one. The pool must
  /// outlive the data path.
  static Result<std::unique_ptr<Dataplane>> start(const Options& options, const PacketPool& pool,
                                                  std::unique_ptr<const Layout> first);

  Dataplane(const Dataplane&) = delete;
  Dataplane& operator=(const Dataplane&) = delete;
  ~Dataplane();

  /// Makes all workers use `next`. Slices that are in the old layout and not in the new one are emptied,
  /// their packets counted as `shutdown`; when this returns, nothing uses what only the old one held.
  void publish(std::unique_ptr<const Layout> next);

  /// Gives ports and slices of the layout other speeds and rates, and returns when they have them.
  void change(PortChanges changes) const;

  /// The slice, by SliceId, is at home with that worker from now on. Its packets stay in its queues: the old
  /// worker ends the visit it is at, the new one makes the next. With Options::balance the data path does
  /// the same by itself, ten times a second.
  void place(std::size_t slice, std::size_t worker);

  /// Receives no more, forwards what is queued for at most `patience`, and ends the workers. What is left
  /// then is dropped and counted (`shutdown`).
  void stop(std::chrono::nanoseconds patience);

  [[nodiscard]] const Layout& layout() const { return layouts_.current(); }
  [[nodiscard]] const std::vector<WorkerTime>& worker_times() const { return times_; }

 private:
  Dataplane(std::size_t workers, std::unique_ptr<const Layout> first);
  void retire(const Layout& layout, const Layout* next) const;
  void await(PortRuntime& port) const;
  void end_workers(std::chrono::steady_clock::time_point deadline);
  void balance(const std::stop_token& stop);

  bool stopped_ = false;
  std::vector<WorkerTime> times_;
  Published<Layout> layouts_;
  std::atomic<Phase> phase_{Phase::running};
  std::vector<std::unique_ptr<Worker>> workers_;
  std::unique_ptr<WorkerPool> pool_;  // its end waits for the workers

  std::mutex moving_;  // held where layouts are replaced and where slices move
  std::condition_variable_any balance_now_;
  std::jthread balancer_;  // last: it ends first; only where there is a choice of workers
};

}  // namespace bulkhead
