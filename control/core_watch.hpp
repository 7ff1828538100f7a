// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "nic/units.hpp"
#include "shaper/worker.hpp"

namespace bulkhead {

/// Sees for how long a busy thread and the workers were kept from their cores: the thread looks in each of
/// its rounds, which are short, and a worker accounts for its time in each of its own. What neither the
/// scheduler nor a hypervisor would tell. One thread; the workers go on meanwhile, at no cost.
class CoreWatch {
 public:
  CoreWatch(std::span<const WorkerTime> workers, Cycles now) : workers_(workers), looked_(now) {
    for (const WorkerTime& time : workers) seen_.push_back({accounted(time), now});
  }

  /// Call in each round.
  void look(Cycles now) {
    own_ = std::max(own_, now - looked_);
    looked_ = now;
    for (std::size_t worker = 0; worker < seen_.size(); ++worker) {
      Seen& seen = seen_[worker];
      if (const uint64_t time = accounted(workers_[worker]); time != seen.accounted)
        seen = {time, now};
      else
        worker_ = std::max(worker_, now - seen.since);
    }
  }

  /// The longest absence of the thread that looks.
  [[nodiscard]] Cycles own() const { return own_; }
  /// The longest absence of any worker, as far as it was looked for.
  [[nodiscard]] Cycles worker() const { return worker_; }

 private:
  struct Seen {
    uint64_t accounted;
    Cycles since;
  };
  static uint64_t accounted(const WorkerTime& time) { return time.busy.read() + time.idle.read(); }

  std::span<const WorkerTime> workers_;
  std::vector<Seen> seen_;
  Cycles looked_;
  Cycles own_;
  Cycles worker_;
};

}  // namespace bulkhead
