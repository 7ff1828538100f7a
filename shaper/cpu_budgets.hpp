// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "shaper/cpu_scheduler.hpp"
#include "shaper/layout.hpp"

namespace bulkhead {

/// Whose turn it is at one worker, by the slices' CPU budgets. While a worker keeps up with its slices, each
/// is visited as its packets come, and nothing is decided. Once a round ends with work left (`contend`), the
/// slices wait here for their turns, until nobody waits or wants more (`relax`). Slices with a cap always do.
/// One thread.
class CpuBudgets {
 public:
  /// `hz`: of the clock.
  explicit CpuBudgets(uint64_t hz);

  /// Takes over whatever changed with another layout. Allocates only where there are more slices than ever.
  void adopt(const Layout& layout);

  /// The slices with work are to wait for their turns.
  void contend();
  /// Nobody wants more than it gets. Those who wait have their turns, but nobody else needs one.
  void relax() { contended_ = false; }
  [[nodiscard]] bool is_contended() const { return contended_; }
  /// Whether a visit takes a turn: everybody's while contended, else only of those with a cap.
  [[nodiscard]] bool needs_turn(const Layout& layout, std::size_t slice) const {
    return contended_ || layout.is_capped(slice);
  }

  /// The slice has work.
  void wait(const Layout& layout, std::size_t slice, Cycles now);
  /// It waits, or has its turn.
  [[nodiscard]] bool waits(const Layout& layout, std::size_t slice) const {
    return scheduler_.has_work(SliceId{layout.cpu_slot(slice)});
  }
  [[nodiscard]] bool nobody_waits() const { return scheduler_.empty(); }

  /// The slice that is to be visited now; nothing where all wait for their caps. Follow with `begin`, a visit
  /// and `end`, or with `pass_over`.
  [[nodiscard]] std::optional<std::size_t> next(Cycles now);
  /// The visit begins. Requires: the slice's claim, as for `end`.
  void begin(const SliceRuntime& slice);
  /// It has ended: the slice pays for all that it cost since it last paid.
  void end(const Layout& layout, std::size_t slice, bool wants_more, Cycles now);
  /// It was not visited, and is not waiting any more.
  void pass_over(const Layout& layout, std::size_t slice, Cycles now);

  /// When a slice that waits for its cap may be visited.
  [[nodiscard]] std::optional<Cycles> next_event() const { return scheduler_.next_event(); }

 private:
  struct Member {
    const SliceRuntime* runtime = nullptr;
    uint16_t slice = 0;     // in the layout in force
    uint64_t adoption = 0;  // the last that it was part of
    CpuShare share;
    uint64_t paid = 0;       // of SliceRuntime::charges()
    uint64_t epoch = 0;      // in which it last paid; 0: never
    uint32_t moves = 0;      // SliceRuntime::moves then
    uint64_t throttled = 0;  // up to where SliceRuntime::throttled counts
  };

  void leave(uint16_t slot);

  const Layout* adopted_ = nullptr;  // only compared: the next layout is made while this one is in force
  uint64_t adoptions_ = 0;
  bool contended_ = false;
  uint64_t epoch_ = 1;           // counts how often the worker became contended
  std::vector<Member> members_;  // by SliceRuntime::cpu_slot
  CpuScheduler scheduler_;
};

}  // namespace bulkhead
