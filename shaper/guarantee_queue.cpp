// SPDX-License-Identifier: Apache-2.0
#include "shaper/guarantee_queue.hpp"

namespace bulkhead {

void GuaranteeQueue::set_guarantee(uint16_t member, BitsPerSecond guarantee, BitsPerSecond speed) {
  Node& node = nodes_[member];
  const bool present = waiting_.contains(member) || due_.contains(member);
  const uint64_t fraction = static_cast<uint64_t>(
      (static_cast<unsigned __int128>(guarantee.count()) << kFractionBits) / speed.count());
  if (present) in_use_ = in_use_ - node.fraction + fraction;
  node.fraction = fraction;
  if (guarantee == BitsPerSecond{0}) {
    if (waiting_.contains(member)) waiting_.remove(member);
    if (due_.contains(member)) due_.remove(member);
    node.run = 0;
    return;
  }
  node.byte = static_cast<uint64_t>((static_cast<unsigned __int128>(speed.count()) << (kWorkBits + 16)) /
                                    guarantee.count());
  node.run =
      static_cast<uint64_t>((static_cast<unsigned __int128>(largest_frame_ >> kWorkBits) * node.byte) >> 16);
  node.next = node.run;
  // Its present run keeps the time it has, but never more than it would take now: a guarantee raised from
  // next to nothing does not wait for the end of what next to nothing had begun.
  if (!present) return;
  if (static_cast<int64_t>(node.start - work_ - node.run) > 0) node.start = work_ + node.run;
  if (waiting_.contains(member)) {
    waiting_.remove(member);
    waiting_.push(member, node.start);
  } else {
    due_.remove(member);
    due_.push(member, node.start + node.next);
  }
}

/// The clock wraps within hours at hundreds of Gb/s: a tag that was kept for longer would lie ahead again.
void GuaranteeQueue::forget_departed() {
  while (!waiting_.empty() && has_come(waiting_.first_time())) {
    leave(nodes_[waiting_.first()]);
    waiting_.pop();
  }
}

}  // namespace bulkhead
