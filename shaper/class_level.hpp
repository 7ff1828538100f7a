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
/// The classes are so few that the fluid ideal is followed literally: with every run, each class is credited
/// what the ideal would have given it, and the one served is debited. Among those that are not ahead of the
/// ideal, the one whose next frame the ideal would finish first is served (WF2Q again). Sets of classes are
/// bit masks.
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
      if (!classes_[number].ceiling.has_credit(now)) ready = static_cast<uint8_t>(ready & ~(1u << number));
    }
    return ready;
  }
  /// When the first of `backlog` will be under its ceiling. Requires: none is.
  [[nodiscard]] FineTime credit_at(uint8_t backlog) const;

  /// The slice had nothing to send until now. `work`: the port's clock, as in GuaranteeQueue.
  void resume(uint64_t work) { last_work_ = work; }

  /// The class of `ready` to be served next. Requires: ready is not empty.
  [[nodiscard]] uint32_t pick(uint8_t ready, uint64_t work);

  /// The class picked was served. `work` already counts this.
  void charge(uint32_t number, uint64_t bytes, uint64_t work, FineTime now);

 private:
  struct Class {
    int64_t due = 0;        // what the ideal has served it more than we have, in 2^-16 bytes
    int64_t pace = 0;       // what the ideal serves it during a largest frame of the slice
    uint64_t fraction = 0;  // its guarantee, of the port's speed, in 2^-32
    uint32_t weight = 1;
    Ceiling ceiling;
  };

  /// Finds out whom the ideal is serving now, and how fast.
  void see(uint8_t ready, uint64_t work);
  /// Moves the ideal on if we are ahead of it with every class that is ready.
  void catch_up(uint8_t ready);
  /// Calls give(class, amount) with each served class's part of `bytes`, in 2^-16 bytes.
  template <class Give>
  void divide(uint64_t bytes, uint64_t work, Give give);

  std::array<Class, kMaxClasses> classes_;
  uint64_t last_work_ = 0;  // when the weighted classes were last credited
  uint64_t largest_frame_ = 0;
  uint8_t strict_ = 0;
  uint8_t capped_ = 0;
  uint8_t served_ = 0;  // the weighted classes that the ideal is serving
};

}  // namespace bulkhead
