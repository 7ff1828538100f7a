// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "nic/units.hpp"
#include "shaper/time_heap.hpp"

namespace bulkhead {

/// Serves guarantees, and says when the rest of the port's speed has its turn: earliest deadline first among
/// those whose run has begun in the fluid ideal. What the guarantees in use leave over counts as one more
/// member, with the rest of the rate; were it served only when no guarantee is due, a thousand guarantees
/// that become due at once would keep it waiting for a thousand frames.
///
/// What a member will send is not known before it has: its deadline is by the most that it sent at a time of
/// late, so that who sends little need not wait for all who send much. Sending more than that gains a member
/// the part of one turn by which it comes earlier, and others wait at most so much longer for it.
///
/// Its clock is the port's work: bytes sent, and bytes that an idle port could have sent. A worker that was
/// descheduled owes nobody anything.
///
/// As in ShareQueue, who wants no more stays, its guarantee in use, until the clock has reached its tag.
class GuaranteeQueue {
 public:
  static constexpr uint16_t kNone = UINT16_MAX;

  GuaranteeQueue(std::size_t members, Bytes largest_frame)
      : nodes_(members), waiting_(members), due_(members), largest_frame_(scaled(largest_frame.count())) {}

  /// Makes room for members up to `members` - 1.
  void grow(std::size_t members) {
    nodes_.resize(members);
    waiting_.grow(members);
    due_.grow(members);
  }

  /// The member's guarantee, at most `speed`, at a port of this speed. Zero: none.
  void set_guarantee(uint16_t member, BitsPerSecond guarantee, BitsPerSecond speed);

  /// No guarantee is in use.
  [[nodiscard]] bool empty() const { return in_use_ == 0; }

  /// The member wants to send.
  void enter(uint16_t member) {
    Node& node = nodes_[member];
    if (node.run == 0 || waiting_.contains(member) || due_.contains(member)) return;
    node.start = work_;
    in_use_ += node.fraction;
    due_.push(member, node.start + node.next);
  }

  /// The member does not want to send any more, though it was not served by this queue.
  void withdraw(uint16_t member) {
    if (!due_.contains(member)) return;
    due_.remove(member);
    leave(nodes_[member]);
  }

  /// The member whose guarantee is to be served next; kNone if it is the rest's turn, or nobody's guarantee
  /// is due. `wants` as in ShareQueue::take. Follow with `charge` or `charge_rest`.
  template <class Wants>
  uint16_t take(Wants wants);

  /// The member taken is being served, out of its guarantee.
  void charge(uint16_t member, uint64_t bytes, bool wants_more);
  /// Someone is being served out of what the guarantees leave over.
  void charge_rest(uint64_t bytes) { add_to_rest(static_cast<int64_t>(scaled(bytes))); }

  /// `bytes` of the service have been done. All of it, before the next `take`.
  void advance(uint64_t bytes) {
    work_ += scaled(bytes);
    if (in_use_ == 0) {
      rest_ = 0;  // all was the rest's
      return;
    }
    add_to_rest(-mul_fraction(scaled(bytes), kWhole - std::min(in_use_, kWhole)));
  }

  /// The port had nothing to send for as long as `bytes` take: nobody wanted to.
  void idle(uint64_t bytes) {
    // No tag lies so far ahead; and one that lies back by more than half a turn of the clock would seem to.
    constexpr uint64_t kLongEnough = uint64_t{1} << 46;
    work_ += scaled(std::min(bytes, kLongEnough));
    if (in_use_ != 0) forget_departed();
    rest_ = 0;
  }

  /// The clock, in 2^-16 bytes.
  [[nodiscard]] uint64_t work() const { return work_; }
  static constexpr unsigned kWorkBits = 16;

 private:
  static constexpr unsigned kFractionBits = 48;
  static constexpr uint64_t kWhole = uint64_t{1} << kFractionBits;
  static constexpr uint64_t kForgottenPart = 8;  // of the most that it sent at a time, whenever it sends less

  struct Node {
    uint64_t start = 0;  // work
    uint64_t run = 0;    // work that goes by while a largest frame is sent at the guarantee; 0: no guarantee
    uint64_t next = 0;   // the same for what it is expected to send at a time
    uint64_t byte = 0;   // work while a byte is sent, in 2^-16 of work's unit
    uint64_t fraction = 0;  // of the port's speed, in 2^-kFractionBits
    uint64_t carry = 0;     // what `start` lacks for being exact, in byte's unit
  };

  static uint64_t scaled(uint64_t bytes) { return bytes << kWorkBits; }
  static int64_t mul_fraction(uint64_t work, uint64_t fraction) {
    return static_cast<int64_t>((static_cast<unsigned __int128>(work) * fraction) >> kFractionBits);
  }
  void add_to_rest(int64_t work) {
    // Bounded by theory; the bound here keeps a change of rates from being remembered for long.
    const auto most = static_cast<int64_t>(2 * largest_frame_);
    rest_ = std::clamp(rest_ + work, -most, most);
  }
  [[nodiscard]] bool has_come(uint64_t time) const { return static_cast<int64_t>(time - work_) <= 0; }
  [[nodiscard]] bool rest_comes_first(uint64_t deadline) const;

  /// It counted up to now, not up to its tag: the difference is the rest's.
  void leave(Node& node) {
    in_use_ -= node.fraction;
    const auto late = static_cast<int64_t>(work_ - node.start);
    if (late > 0) add_to_rest(-mul_fraction(static_cast<uint64_t>(late), node.fraction));
  }

  template <class Wants>
  void refresh(Wants& wants);
  void forget_departed();

  std::vector<Node> nodes_;
  TimeHeap waiting_;  // by start
  TimeHeap due_;      // by deadline
  uint64_t work_ = 0;
  uint64_t in_use_ = 0;  // sum of the fractions of those in the heaps
  int64_t rest_ = 0;     // what the rest was served beyond its due, in work's unit
  uint64_t largest_frame_;
};

template <class Wants>
inline void GuaranteeQueue::refresh(Wants& wants) {
  while (!waiting_.empty() && has_come(waiting_.first_time())) {
    const uint16_t member = waiting_.first();
    waiting_.pop();
    if (wants(member))
      due_.push(member, nodes_[member].start + nodes_[member].next);
    else
      leave(nodes_[member]);
  }
  // Asking may withdraw whoever is asked about.
  while (!due_.empty()) {
    const uint16_t member = due_.first();
    if (wants(member)) return;
    withdraw(member);
  }
}

inline bool GuaranteeQueue::rest_comes_first(uint64_t deadline) const {
  if (rest_ > 0 || in_use_ >= kWhole) return false;
  // The rest's deadline lies (largest frame + rest_) / (1 - in use) from now: compared without dividing.
  const auto distance = static_cast<int64_t>(deadline - work_);
  if (distance <= 0) return false;
  return mul_fraction(static_cast<uint64_t>(distance), kWhole - in_use_) >
         static_cast<int64_t>(largest_frame_) + rest_;
}

template <class Wants>
inline uint16_t GuaranteeQueue::take(Wants wants) {
  refresh(wants);
  if (due_.empty() || rest_comes_first(due_.first_time())) return kNone;
  const uint16_t member = due_.first();
  due_.pop();
  return member;
}

inline void GuaranteeQueue::charge(uint16_t member, uint64_t bytes, bool wants_more) {
  Node& node = nodes_[member];
  const unsigned __int128 spent = static_cast<unsigned __int128>(bytes) * node.byte + node.carry;
  const auto time = static_cast<uint64_t>(spent >> 16);
  node.start += time;
  if (bytes > 0) node.next = std::min(node.run, std::max(time, node.next - node.next / kForgottenPart));
  node.carry = static_cast<uint64_t>(spent) & 0xffff;
  // Never more than two runs late, which only guarantees beyond the port's speed could be.
  if (static_cast<int64_t>(work_ - node.start - 2 * node.run) > 0) node.start = work_ - 2 * node.run;
  if (!has_come(node.start))
    waiting_.push(member, node.start);
  else if (wants_more)
    due_.push(member, node.start + node.next);
  else
    leave(node);
}

}  // namespace bulkhead
