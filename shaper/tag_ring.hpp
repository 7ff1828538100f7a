// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "shaper/bucket_circle.hpp"

namespace bulkhead {

/// Members ordered by a tag that moves on with time, to the precision of a bucket. A bucket is a stack,
/// linked through the members' own `next`: order within a bucket does not matter, its width is chosen so.
class TagRing {
 public:
  static constexpr uint16_t kNone = UINT16_MAX;

  /// As BucketCircle.
  TagRing(std::size_t buckets, unsigned shift) : circle_(buckets, shift), heads_(buckets, kNone) {}

  [[nodiscard]] bool empty() const { return circle_.empty(); }

  void push(uint64_t tag, uint16_t member, uint16_t& next) {
    const std::size_t slot = circle_.admit(tag);
    next = heads_[slot];
    heads_[slot] = member;
    if (next == kNone) circle_.mark(slot);
  }

  /// The first tag of the first bucket in use. Requires: not empty.
  [[nodiscard]] uint64_t first() { return circle_.first(); }
  /// The member on top of that bucket. Requires: `first` was asked since the last change.
  [[nodiscard]] uint16_t top() const { return heads_[circle_.first_slot()]; }
  /// Takes it off; `next` is what it was linked to.
  void pop(uint16_t next) {
    heads_[circle_.first_slot()] = next;
    if (next == kNone) circle_.unmark(circle_.first_slot());
  }

 private:
  BucketCircle circle_;
  std::vector<uint16_t> heads_;
};

}  // namespace bulkhead
