// SPDX-License-Identifier: Apache-2.0
#include "shaper/share_queue.hpp"

#include <algorithm>
#include <bit>
#include <limits>

namespace bulkhead {
namespace {

// Buckets for a largest frame of the heaviest member: the precision of its place in the order.
constexpr unsigned kRunBits = 2;

}  // namespace

ShareQueue::ShareQueue(std::size_t members, Bytes largest_frame)
    : nodes_(members),
      waiting_(kLeastBuckets, 0),
      ready_(kLeastBuckets, 0),
      departures_(kLeastBuckets, 0),
      scale_{kLeastBuckets, 0},
      largest_frame_(largest_frame.count()) {}

void ShareQueue::set_weight(uint16_t member, uint32_t weight) {
  Node& node = nodes_[member];
  const uint32_t old = node.weight;
  if (weight == old) return;
  if (node.place == Place::departing) go(node);
  if (node.place != Place::absent && node.place != Place::left) {
    total_weight_ = total_weight_ - old + weight;
    // What it is ahead or behind, it stays in bytes.
    node.start = virtual_time_ +
                 static_cast<uint64_t>(static_cast<int64_t>(node.start - virtual_time_) * old / weight);
  }
  node.weight = weight;
  node.byte = (uint64_t{1} << (kVirtualBits + kByteBits)) / weight;
  if (weight < least_ || weight > most_ || old == least_ || old == most_) fit_scale();
  if (node.place != Place::absent) rescale(scale_);  // its tag has another bucket
}

void ShareQueue::fit_scale() {
  least_ = std::numeric_limits<uint32_t>::max();
  most_ = 0;
  for (const Node& node : nodes_) {
    if (node.weight == 0) continue;
    least_ = std::min(least_, node.weight);
    most_ = std::max(most_, node.weight);
  }
  const Scale scale = scale_for(least_, most_);
  if (scale != scale_) rescale(scale);
}

ShareQueue::Scale ShareQueue::scale_for(uint32_t least, uint32_t most) const {
  // The tags of the ready and of the waiting lie within two of the longest runs of each other.
  const uint64_t span = 2 * (largest_frame_ << kVirtualBits) / least;
  const uint64_t finest = (largest_frame_ << kVirtualBits) / most;
  const auto bits_of = [](uint64_t value) { return static_cast<unsigned>(std::bit_width(value)); };
  const auto shift_for = [&](uint64_t buckets) { return bits_of(span / (buckets - 2)); };
  // As fine as the fewest buckets allow, finer if that is too coarse for the heaviest member, and never
  // finer than the most buckets allow.
  const unsigned wanted = std::min(shift_for(kLeastBuckets), bits_of(finest) - 1 - kRunBits);
  const unsigned shift = std::max(wanted, shift_for(BucketCircle::kMost));
  return {std::max(kLeastBuckets, std::bit_ceil((span >> shift) + 2)), shift};
}

void ShareQueue::go(Node& node) {
  if (departures_.holds(node.start, node.ticket)) {
    departures_.cancel(node.start, node.weight);
    total_weight_ -= node.weight;
  }
  node.place = Place::absent;
}

void ShareQueue::rescale(Scale scale) {
  std::vector<uint16_t> members;
  for (TagRing* ring : {&waiting_, &ready_})
    while (!ring->empty()) members.push_back(pop_first(*ring));
  for (Node& node : nodes_)
    if (node.place == Place::departing) go(node);
  scale_ = scale;
  waiting_ = TagRing(scale.buckets, scale.shift);
  ready_ = TagRing(scale.buckets, scale.shift);
  departures_ = Departures(scale.buckets, scale.shift);
  for (const uint16_t member : members) {
    Node& node = nodes_[member];
    if (node.place == Place::waiting)
      waiting_.push(node.start, member, node.next);
    else if (node.place == Place::left)
      node.place = Place::absent;
    else
      make_ready(member, node);
  }
}

}  // namespace bulkhead
