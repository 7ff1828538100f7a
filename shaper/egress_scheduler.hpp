// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "nic/ids.hpp"
#include "nic/units.hpp"
#include "shaper/byte_cost.hpp"
#include "shaper/ceiling.hpp"
#include "shaper/class_level.hpp"
#include "shaper/guarantee_queue.hpp"
#include "shaper/share_queue.hpp"
#include "shaper/slice_rates.hpp"
#include "shaper/time_heap.hpp"

namespace bulkhead {

/// The right of one class to send now: frames of the class are taken while their sum stays within `allowed`.
/// That is a largest frame at first: a decision is made for each largest frame, or for a run of as many
/// smaller ones as fit. A run may go on with the slice's other classes (see `charge`).
struct Grant {
  SliceId slice;
  uint8_t class_number = 0;
  bool by_guarantee = false;  // rather than by share
  Bytes allowed;
};

/// Decides who sends next at one port, and when. Owns no packets: it is told which classes have some, and
/// what was sent. One thread at a time. No allocation but in the constructor, in grow and in configure.
///
/// A slice gets its guarantee, and of what all guarantees in use leave over a part by weight, up to its
/// demand and ceiling (weighted max-min). The two are accounted apart (GuaranteeQueue, ShareQueue), so that
/// they add up: a guarantee is not a minimum that the share is counted towards. Within the slice ClassLevel
/// decides, or, where all classes are strict and none has a ceiling, a bit scan. Every slice that may send
/// now is in ShareQueue, and in GuaranteeQueue if it has a guarantee; who is at its ceiling is parked until
/// it has credit for a largest frame again.
///
/// Bytes are bytes on the wire throughout. Time may jump: forwards, it releases what the buckets hold and no
/// more; backwards, it stands still.
class EgressScheduler {
 public:
  struct Options {
    BitsPerSecond speed;  // 1 kb/s to 400 Gb/s
    uint64_t hz = 0;      // of the clock, 10^9 to 5 * 10^9
    Bytes largest_frame;  // on the wire, up to 64 KiB
    Bytes catch_up;       // what a late worker may make up for at once; zero: 100 us, or two largest frames
    uint16_t slices = 0;  // numbers 0 to slices - 1
    Cycles ahead;         // how much earlier than the port is free the device may be given the next run
  };

  explicit EgressScheduler(const Options& options);

  /// Makes room for slices up to `slices` - 1, without disturbing those that are there.
  void grow(uint16_t slices);

  /// Sets a slice up, or changes its rates while it sends: tags and what was used of a burst are kept, so a
  /// change neither resets nor bursts.
  void configure(SliceId slice, const SliceRates& rates);
  /// The slice has no packets here any more, and will have none.
  void remove(SliceId slice);
  /// The line rate has changed. The caller sees to it that the guarantees still fit.
  void set_speed(BitsPerSecond speed);

  /// The classes (bit n for class n) have packets from `now` on. Again for one that had some: does nothing.
  void activate(SliceId slice, uint8_t classes, Cycles now);

  /// Somebody's packets wait here: `pass` would refuse.
  [[nodiscard]] bool is_contended() const { return sendable_ != 0 || !parked_.empty(); }

  /// Whether the slice may send so many bytes at once and past everything below: nobody has packets here, the
  /// port is free, and no ceiling of the slice stands against it. True: they are accounted for, send them. So
  /// a port that nobody contends for costs no decision.
  [[nodiscard]] bool pass(SliceId slice, Bytes bytes, Cycles now);

  /// Who sends now; null, while the port is busy or all are at their ceilings. Follow with `charge`. What it
  /// points to is the scheduler's, up to the next call.
  [[nodiscard]] const Grant* next(Cycles now);

  /// What was sent on the grant, possibly nothing, and whether the class has packets left. True: the slice's
  /// run goes on. The grant is now for its next class and what is left, which may be less than a frame: send
  /// what fits, and charge again. False: ask `next`.
  [[nodiscard]] bool charge(Bytes sent, bool has_more);

  /// After `next` has granted nothing: the time at which it may grant again if nobody is activated before;
  /// nothing if nobody waits.
  [[nodiscard]] std::optional<Cycles> next_event() const;

  /// Fetches what `activate` and `next` will look at.
  void prefetch(SliceId slice) const {
    __builtin_prefetch(&slices_[slice.value()], 1);
    shares_.prefetch(slice.value());
  }

 private:
  struct Slice {
    uint8_t backlog = 0;          // classes with packets
    bool parked = false;          // at its ceiling, or all its classes are
    bool capped = false;          // has a ceiling
    bool has_levels : 1 = false;  // ClassLevel decides
    bool guaranteed : 1 = false;  // has a guarantee
    bool limited : 1 = false;     // capped or has_levels
  };

  void end_run();
  void tick(Cycles now);
  void see(Cycles now);
  [[nodiscard]] bool is_free() const;
  void settle();
  void advance(uint32_t done);
  void rest();
  void resume(uint16_t number);
  void stop(uint16_t number);
  void stop_served(const Slice& own);
  [[nodiscard]] bool may_send(uint16_t number);
  bool park(uint16_t number, FineTime until);
  void unpark(uint16_t number);
  [[nodiscard]] bool is_under_ceilings(uint16_t number);
  void wake();
  [[nodiscard]] uint8_t class_of(uint16_t number);
  [[nodiscard]] uint32_t pick_class(uint16_t number);
  [[nodiscard]] bool pick_next_class(const Slice& own);
  [[nodiscard]] bool pick_next_by_level();
  void charge_class(Bytes sent);
  void configure_ceiling(uint16_t number, const Rates& rates);
  void configure_classes(uint16_t number, const SliceRates& rates);

  // Read on every decision.
  FineTime port_free_ = 0;  // when all that was sent has left the port
  FineTime ahead_ = 0;
  FineTime catch_up_ = 0;
  FineTime fine_now_ = 0;
  ByteCost port_cost_;
  Cycles last_now_;         // as given
  uint64_t now_ = 0;        // counts only steps forward
  uint32_t sendable_ = 0;   // slices with packets that are not parked
  uint32_t in_flight_ = 0;  // bytes of the last run that had not left the port when we last looked
  bool in_flight_by_share_ = false;
  bool unsettled_ = false;
  uint32_t largest_frame_;
  Grant grant_;  // the last one
  std::vector<Slice> slices_;
  ShareQueue shares_;
  GuaranteeQueue guarantees_;
  TimeHeap parked_;  // by the time at which there is credit
  std::vector<Ceiling> ceilings_;
  std::vector<ClassLevel> levels_;
  std::vector<uint16_t> level_of_;

  // Read when something is configured.
  Options options_;
  std::vector<SliceRates> rates_;
};

inline void EgressScheduler::tick(Cycles now) {
  if (now == last_now_) return;
  if (now > last_now_) now_ += (now - last_now_).count();
  last_now_ = now;
  fine_now_ = fine(now_);
  // A worker that was late may make up for so much. While nobody waits, `rest` sees how long that was.
  if (sendable_ != 0 && port_free_ + catch_up_ < fine_now_) port_free_ = fine_now_ - catch_up_;
}

inline void EgressScheduler::see(Cycles now) {
  tick(now);
  if (unsettled_) settle();
  if (!parked_.empty()) wake();
}

/// What is sent ahead of time counts as done: the next decision may come before it has left.
inline bool EgressScheduler::is_free() const { return port_free_ <= fine_now_ + ahead_; }

inline void EgressScheduler::advance(uint32_t done) {
  in_flight_ -= done;
  unsettled_ = in_flight_ != 0;
  guarantees_.advance(done);
  if (in_flight_by_share_) shares_.advance(done, [this](uint16_t number) { return may_send(number); });
}

inline void EgressScheduler::resume(uint16_t number) {
  if (sendable_++ == 0) rest();
  shares_.enter(number);
  if (slices_[number].guaranteed) guarantees_.enter(number);
}

inline void EgressScheduler::stop(uint16_t number) {
  --sendable_;
  shares_.withdraw(number);
  if (slices_[number].guaranteed) guarantees_.withdraw(number);
}

/// The same for the one that was served last: the queue that served it knows already.
inline void EgressScheduler::stop_served(const Slice& own) {
  --sendable_;
  const uint16_t number = grant_.slice.value();
  if (grant_.by_guarantee)
    shares_.withdraw(number);
  else if (own.guaranteed)
    guarantees_.withdraw(number);
}

inline bool EgressScheduler::may_send(uint16_t number) {
  const Slice& own = slices_[number];
  if (own.backlog == 0 || own.parked) return false;
  return !own.limited || is_under_ceilings(number);
}

inline uint8_t EgressScheduler::class_of(uint16_t number) {
  const Slice& own = slices_[number];
  return static_cast<uint8_t>(own.has_levels ? pick_class(number)
                                             : static_cast<uint32_t>(std::countr_zero(own.backlog)));
}

inline void EgressScheduler::activate(SliceId slice, uint8_t classes, Cycles now) {
  Slice& own = slices_[slice.value()];
  const auto backlog = static_cast<uint8_t>(own.backlog | classes);
  if (backlog == own.backlog) return;
  see(now);
  const bool had_none = own.backlog == 0;
  own.backlog = backlog;
  if (had_none) {
    resume(slice.value());
    if (own.has_levels) levels_[level_of_[slice.value()]].resume(guarantees_.work());
  } else if (own.parked) {
    // Perhaps only its other classes were at their ceilings.
    unpark(slice.value());
  }
}

inline bool EgressScheduler::pass(SliceId slice, Bytes bytes, Cycles now) {
  see(now);
  if (is_contended()) return false;
  rest();
  const FineTime taken = port_cost_.time_of(bytes);
  if (port_free_ + taken > fine_now_ + ahead_) return false;
  const Slice& own = slices_[slice.value()];
  if (own.has_levels) return false;
  if (own.capped) {
    Ceiling& ceiling = ceilings_[slice.value()];
    if (!ceiling.has_credit_for(bytes, fine_now_)) return false;
    ceiling.charge(fine_now_, bytes);
  }
  port_free_ += taken;
  guarantees_.idle(bytes.count());  // the port's work goes on, and no guarantee is in use
  return true;
}

inline const Grant* EgressScheduler::next(Cycles now) {
  tick(now);
  if (!is_free()) return nullptr;
  if (unsettled_) advance(in_flight_);
  if (!parked_.empty()) wake();
  if (sendable_ != 0) {
    const auto wants = [this](uint16_t number) { return may_send(number); };
    uint16_t number = guarantees_.empty() ? GuaranteeQueue::kNone : guarantees_.take(wants);
    grant_.by_guarantee = number != GuaranteeQueue::kNone;
    if (!grant_.by_guarantee) number = shares_.take(wants);
    if (number != ShareQueue::kNone) {
      grant_.slice = SliceId{number};
      grant_.class_number = class_of(number);
      grant_.allowed = Bytes{largest_frame_};
      return &grant_;
    }
  }
  rest();
  return nullptr;
}

inline bool EgressScheduler::charge(Bytes sent, bool has_more) {
  Slice& own = slices_[grant_.slice.value()];
  grant_.allowed -= sent;
  if (own.has_levels) charge_class(sent);
  if (!has_more) {
    own.backlog = static_cast<uint8_t>(own.backlog & ~(1u << grant_.class_number));
    if (own.backlog != 0 && grant_.allowed > Bytes{0} && pick_next_class(own)) return true;
  }
  end_run();
  return false;
}

inline bool EgressScheduler::pick_next_class(const Slice& own) {
  if (own.has_levels) return pick_next_by_level();
  grant_.class_number = static_cast<uint8_t>(std::countr_zero(own.backlog));
  return true;
}

inline void EgressScheduler::end_run() {
  const uint16_t number = grant_.slice.value();
  const Slice& own = slices_[number];
  in_flight_ = largest_frame_ - static_cast<uint32_t>(grant_.allowed.count());
  in_flight_by_share_ = !grant_.by_guarantee;
  unsettled_ = true;
  port_free_ += port_cost_.time_of(Bytes{in_flight_});
  if (own.backlog == 0) stop_served(own);
  if (own.capped) ceilings_[number].charge(fine_now_, Bytes{in_flight_});
  if (grant_.by_guarantee) {
    guarantees_.charge(number, in_flight_, own.backlog != 0);
  } else {
    shares_.charge(number, in_flight_);
    if (!guarantees_.empty()) guarantees_.charge_rest(in_flight_);
  }
}

}  // namespace bulkhead
