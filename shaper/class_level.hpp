// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <bit>
#include <cstdint>

#include "shaper/ceiling.hpp"
#include "shaper/slice_rates.hpp"

namespace bulkhead {

/// Divides what one slice is served among its classes: strict ones in order; then the others, each by its
/// guarantee and its weighted share of the remainder. Used where strict priority alone does not decide.
///
/// The rules are the port's (GuaranteeQueue, ShareQueue), the means simpler, for there are eight at most: two
/// clocks, a tag of each class on both, and a look at every class. By weight it is WF2Q+ (Bennett & Zhang
/// 1997). The guarantees' clock is the port's work; it slows down where strict classes leave less than the
/// guarantees, so that each gets the same part of its own. Sets of classes are bit masks.
class ClassLevel {
 public:
  /// What of the slice's set-up concerns the classes.
  struct Place {
    BitsPerSecond speed;  // of the port
    uint64_t hz;
    Bytes largest_frame;
  };

  /// Takes new rates over; nobody's use of the old ones is forgotten. `backlog`: the classes with packets.
  void configure(const SliceRates& slice, const Place& place, uint8_t backlog, FineTime now);

  /// The classes of `backlog` that are under their ceilings.
  [[nodiscard]] uint8_t under_ceiling(uint8_t backlog, FineTime now) const {
    uint8_t ready = backlog;
    for (uint32_t capped = backlog & capped_; capped != 0; capped &= capped - 1) {
      const auto number = static_cast<uint32_t>(std::countr_zero(capped));
      if (!ceilings_[number].has_credit(now)) ready = static_cast<uint8_t>(ready & ~(1u << number));
    }
    return ready;
  }
  /// When the first of `backlog` will be under its ceiling. Requires: none is.
  [[nodiscard]] FineTime credit_at(uint8_t backlog) const;

  /// The slice had nothing to send until now. `work`: the port's clock, as in GuaranteeQueue.
  void resume(uint64_t work) { last_work_ = work; }

  /// The class of `ready` to be served next. Requires: ready is not empty.
  [[nodiscard]] uint32_t pick(uint8_t ready);

  /// The class picked was served. `work` already counts this.
  void charge(uint32_t number, uint64_t bytes, uint64_t work, FineTime now);

 private:
  /// One clock's view of the classes.
  struct Account {
    std::array<uint64_t, kMaxClasses> start{};  // of a class's next run, on the clock
    std::array<uint64_t, kMaxClasses> byte{};   // time that a byte takes
    std::array<uint64_t, kMaxClasses> run{};    // time that a largest frame takes
    std::array<uint32_t, kMaxClasses> part{};   // weight, or fraction of the port's speed
    uint64_t clock = 0;
    uint64_t parts = 0;  // sum of them, of those that `active` names
    uint8_t active = 0;  // in the ideal: ready, or ahead of it
  };
  static constexpr uint32_t kNone = kMaxClasses;

  static void set_rate(Account& account, uint32_t number, uint32_t part, uint64_t byte, uint64_t run);
  static void leave(Account& account, uint32_t number);
  static void see(Account& account, uint8_t ready);
  [[nodiscard]] static uint32_t first_to_finish(const Account& account, uint8_t ready);
  [[nodiscard]] uint32_t pick_by_share(uint8_t ready);
  void charge_guarantees(uint64_t bytes, uint64_t work);

  Account shares_;
  Account guarantees_;
  int64_t owed_ = 0;        // to those served by share, beyond what the guarantees take; in 2^-16 bytes
  uint64_t last_work_ = 0;  // up to where the guarantees' clock has gone
  uint64_t largest_frame_ = 0;
  uint8_t strict_ = 0;
  uint8_t capped_ = 0;
  uint8_t guaranteed_ = 0;
  bool by_guarantee_ = false;  // the class picked
  std::array<Ceiling, kMaxClasses> ceilings_;
};

}  // namespace bulkhead
