// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

#include "nic/ids.hpp"
#include "nic/units.hpp"
#include "shaper/ceiling.hpp"
#include "shaper/cpu_share.hpp"
#include "shaper/guarantee_queue.hpp"
#include "shaper/share_queue.hpp"
#include "shaper/time_heap.hpp"

namespace bulkhead {

/// Decides which slice one worker visits next, by their shares of its core: the reserve, always there while
/// the slice has work, a weighted share of what the reserves in use leave over, and never more than the cap.
/// The same rule as at a port, by the same queues (EgressScheduler), with a cycle for a byte. But what a
/// visit costs is known only after it: it is debited exactly then, and what exceeds a turn is a debt, which
/// later turns pay, in which the slice is not visited. So nothing is gained by long visits, nor by stopping
/// just before a tick: there is none.
///
/// The guarantees' clock is real time. What the worker spends on nobody comes out of what reserves leave
/// over.
///
/// Pure: time and costs are arguments. Time may jump: forwards, it gives nobody more than a turn; backwards,
/// it stands still. One thread at a time. Allocates only in the constructor, in grow and in configure.
class CpuScheduler {
 public:
  struct Options {
    uint64_t hz = 0;      // of the clock, 10^9 to 5 * 10^9
    Cycles turn;          // what a visit should take at most; up to kLongestTurn
    uint16_t slices = 0;  // numbers 0 to slices - 1
  };

  static constexpr Cycles kLongestTurn{1 << 14};

  explicit CpuScheduler(const Options& options);

  /// Makes room for slices up to `slices` - 1.
  void grow(uint16_t slices);
  /// Sets a slice up, or changes its share while it runs: what it has used and what it owes stays.
  void configure(SliceId slice, const CpuShare& share);
  /// The slice has no work any more, and will have none.
  void remove(SliceId slice);

  /// The slice has work from `now` on. Again for one that has: does nothing.
  void activate(SliceId slice, Cycles now);
  /// Nobody has work.
  [[nodiscard]] bool empty() const { return runnable_ == 0 && parked_.empty(); }
  [[nodiscard]] bool has_work(SliceId slice) const { return slices_[slice.value()].has_work; }

  /// Who is to be visited now; nothing where nobody has work, or all who have are at their caps. Follow with
  /// `charge`.
  [[nodiscard]] std::optional<SliceId> next(Cycles now);

  /// What the slice has cost since it was last charged, for its visit and elsewhere, and whether it has work
  /// left. `now`: the end of the visit.
  void charge(Cycles cost, bool has_more, Cycles now);

  /// When the first of those at their caps may run again; nothing if none waits for that.
  [[nodiscard]] std::optional<Cycles> next_event() const;

  /// How long the slice has had work and was at its cap, in all, up to when it was last let run.
  [[nodiscard]] Cycles throttled(SliceId slice) const { return Cycles{slices_[slice.value()].throttled}; }

 private:
  struct Slice {
    bool has_work = false;
    bool parked = false;  // at its cap
    bool capped = false;
    bool reserved = false;
    uint64_t debt = 0;        // cycles that no turn has paid yet
    uint64_t debt_epoch = 0;  // the debt is void once the epoch is another
    uint64_t parked_at = 0;
    uint64_t throttled = 0;
  };

  void tick(Cycles now);
  void rest();
  void resume(uint16_t number);
  void stop(uint16_t number);
  void wake();
  void unpark(uint16_t number);
  [[nodiscard]] bool may_run(uint16_t number);
  [[nodiscard]] uint16_t pick();
  void pay(uint64_t cost);
  [[nodiscard]] uint64_t debt_of(Slice& slice) const;
  void set_cap(uint16_t number, const CpuShare& share);

  Options options_;
  Cycles last_now_;          // as given
  uint64_t now_ = 0;         // counts only steps forward
  uint64_t settled_ = 0;     // up to where the guarantees' clock has gone
  uint64_t epoch_ = 1;       // counts the moments at which nobody had work
  uint32_t runnable_ = 0;    // slices with work that are not parked
  uint16_t current_ = 0;     // whose turn it is
  bool by_reserve_ = false;  // and out of what
  std::vector<Slice> slices_;
  ShareQueue shares_;
  GuaranteeQueue reserves_;
  TimeHeap parked_;  // by the time at which there is credit
  std::vector<Ceiling> caps_;
};

}  // namespace bulkhead
