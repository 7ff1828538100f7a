// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "shaper/bucket_circle.hpp"

namespace bulkhead {

/// The weights that leave a ShareQueue when virtual time has reached their members' tags. Members are not
/// linked, only their sum is kept for each bucket: with many slices that have a packet now and then, most of
/// them leave before they are needed again, and none of those is touched for it.
class Departures {
 public:
  /// Of everyone in a bucket.
  struct Sum {
    uint64_t weight = 0;
    uint64_t owed = 0;  // of weight times the distance from the bucket's border to the tag
  };

  /// As BucketCircle.
  Departures(std::size_t buckets, unsigned shift) : circle_(buckets, shift), buckets_(buckets) {}

  [[nodiscard]] bool empty() const { return circle_.empty(); }

  /// A member leaves at its tag, which is brought forward to the last bucket if it lies beyond. Returns the
  /// ticket to ask for it with.
  [[nodiscard]] uint64_t add(uint64_t& tag, uint32_t weight) {
    const std::size_t slot = circle_.admit(tag);
    Bucket& bucket = buckets_[slot];
    if (bucket.sum.weight == 0) circle_.mark(slot);
    bucket.sum.weight += weight;
    bucket.sum.owed += owed(tag, weight);
    return bucket.turn;
  }
  /// Whether the member that left at `tag` with this ticket has not gone yet.
  [[nodiscard]] bool holds(uint64_t tag, uint64_t ticket) const {
    return buckets_[circle_.slot_of(tag)].turn == ticket;
  }
  /// It stays. Requires: it is held.
  void cancel(uint64_t tag, uint32_t weight) {
    const std::size_t slot = circle_.slot_of(tag);
    Bucket& bucket = buckets_[slot];
    bucket.sum.weight -= weight;
    bucket.sum.owed -= owed(tag, weight);
    if (bucket.sum.weight == 0) circle_.unmark(slot);
  }

  /// The first tag of the first bucket in use. Requires: not empty.
  [[nodiscard]] uint64_t first() { return circle_.first(); }
  /// Everyone in that bucket is gone. Requires: `first` was asked since the last change.
  Sum take_first() {
    Bucket& bucket = buckets_[circle_.first_slot()];
    circle_.unmark(circle_.first_slot());
    ++bucket.turn;
    return std::exchange(bucket.sum, {});
  }

 private:
  struct Bucket {
    Sum sum;
    uint64_t turn = 1;  // counts how often it was taken: tickets of before are void
  };

  /// Fits: at most 2^16 members of 2^14, and a bucket is no wider than a thirtieth of the longest run.
  [[nodiscard]] uint64_t owed(uint64_t tag, uint32_t weight) const {
    return (tag - circle_.border_of(tag)) * weight;
  }

  BucketCircle circle_;
  std::vector<Bucket> buckets_;
};

}  // namespace bulkhead
