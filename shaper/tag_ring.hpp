// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <vector>

namespace bulkhead {

/// Members ordered by a tag that moves on with time, to the precision of a bucket: a circle of buckets, of
/// which bitmaps find the first one in use (Eiffel, NSDI 2019). A bucket is a stack, linked through the
/// members' own `next`: order within a bucket does not matter, its width is chosen so. Tags wrap.
///
/// All tags in it lie within one turn of the circle of each other; one beyond goes into the last bucket.
class TagRing {
 public:
  static constexpr uint16_t kNone = UINT16_MAX;
  static constexpr std::size_t kMostBuckets = std::size_t{1} << 18;

  /// `buckets`: a power of two, from 64 to kMostBuckets. A bucket is 2^shift wide.
  TagRing(std::size_t buckets, unsigned shift)
      : heads_(buckets, kNone), words_(buckets / 64), mask_(buckets - 1), shift_(shift) {}

  [[nodiscard]] bool empty() const { return size_ == 0; }
  /// The number of the bucket that a tag falls into.
  [[nodiscard]] uint64_t bucket_of(uint64_t tag) const { return tag >> shift_; }
  /// Whether bucket a comes before bucket b.
  [[nodiscard]] bool before(uint64_t a, uint64_t b) const {
    return static_cast<int64_t>((a - b) << shift_) < 0;
  }

  void push(uint64_t tag, uint16_t member, uint16_t& next) {
    uint64_t bucket = bucket_of(tag);
    if (size_++ == 0 || before(bucket, first_))
      first_ = bucket;
    else if (!before(bucket, first_ + mask_ + 1))
      bucket = first_ + mask_;
    const std::size_t slot = bucket & mask_;
    next = heads_[slot];
    heads_[slot] = member;
    mark(slot);
  }

  /// The first bucket in use. Requires: not empty.
  [[nodiscard]] uint64_t first_bucket() {
    const std::size_t from = first_ & mask_;
    if (is_small()) {
      first_ += lowest(std::rotr(words_[0], static_cast<int>(from)));
      return first_;
    }
    std::size_t found = find_from(from);
    if (found == kNowhere) found = find_from(0);
    first_ += (found - from) & mask_;
    return first_;
  }

  /// The member on top of a bucket in use.
  [[nodiscard]] uint16_t top(uint64_t bucket) const { return heads_[bucket & mask_]; }
  /// Takes the top off; `next` is what it was linked to.
  void pop(uint64_t bucket, uint16_t next) {
    --size_;
    const std::size_t slot = bucket & mask_;
    heads_[slot] = next;
    if (next == kNone) unmark(slot);
  }

 private:
  static constexpr std::size_t kNowhere = SIZE_MAX;

  /// A single word says which buckets are in use.
  [[nodiscard]] bool is_small() const { return mask_ == 63; }

  void mark(std::size_t slot) {
    words_[slot / 64] |= bit(slot);
    if (is_small()) return;
    groups_[slot / 4096] |= bit(slot / 64);
    all_ |= bit(slot / 4096);
  }
  void unmark(std::size_t slot) {
    words_[slot / 64] &= ~bit(slot);
    if (words_[slot / 64] != 0 || is_small()) return;
    groups_[slot / 4096] &= ~bit(slot / 64);
    if (groups_[slot / 4096] == 0) all_ &= ~bit(slot / 4096);
  }

  /// The first slot in use from `slot` on, up to the end of the array.
  [[nodiscard]] std::size_t find_from(std::size_t slot) const {
    if (const uint64_t here = from(words_[slot / 64], slot)) return slot / 64 * 64 + lowest(here);
    std::size_t word = slot / 64 + 1;
    std::size_t group = slot / 4096;
    uint64_t words = word / 64 == group ? from(groups_[group], word) : 0;
    if (words == 0) {
      const uint64_t groups = ++group < 64 ? from(all_, group) : 0;
      if (groups == 0) return kNowhere;
      group = lowest(groups);
      words = groups_[group];
    }
    word = group * 64 + lowest(words);
    return word * 64 + lowest(words_[word]);
  }

  static uint64_t bit(std::size_t number) { return uint64_t{1} << number % 64; }
  static uint64_t from(uint64_t bits, std::size_t number) { return bits & ~uint64_t{0} << number % 64; }
  static std::size_t lowest(uint64_t bits) { return static_cast<std::size_t>(std::countr_zero(bits)); }

  std::vector<uint16_t> heads_;
  std::vector<uint64_t> words_;        // a bit for each bucket in use,
  std::array<uint64_t, 64> groups_{};  // for each word that is not zero,
  uint64_t all_ = 0;                   // and for each group
  uint64_t first_ = 0;                 // no bucket before it is in use
  uint64_t mask_;
  std::size_t size_ = 0;
  unsigned shift_;
};

static_assert(TagRing::kMostBuckets == std::size_t{64} * 64 * 64);

}  // namespace bulkhead
