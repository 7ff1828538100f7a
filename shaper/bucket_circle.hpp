// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <vector>

namespace bulkhead {

/// Which buckets of a circle are in use, and which one of them is first: bitmaps find it (Eiffel, NSDI 2019).
/// A bucket holds the tags of 2^shift units of a time that moves on and wraps. All buckets in use lie within
/// one turn of the circle; a tag beyond goes into the last bucket.
class BucketCircle {
 public:
  static constexpr std::size_t kMost = std::size_t{1} << 18;

  /// `buckets`: a power of two, from 64 to kMost.
  BucketCircle(std::size_t buckets, unsigned shift)
      : words_(buckets > 64 ? buckets / 64 : 0), mask_(buckets - 1), shift_(shift) {}

  [[nodiscard]] bool empty() const { return all_ == 0; }
  /// The bucket that a tag falls into: its first tag, and where it is kept.
  [[nodiscard]] uint64_t border_of(uint64_t tag) const { return tag >> shift_ << shift_; }
  [[nodiscard]] std::size_t slot_of(uint64_t tag) const { return (tag >> shift_) & mask_; }

  /// The slot for a tag that is about to come in; the tag is brought forward if it lies beyond the circle.
  std::size_t admit(uint64_t& tag) {
    const uint64_t distance = tag - first_;
    if (empty() || static_cast<int64_t>(distance) < 0) {
      first_ = border_of(tag);
      first_slot_ = slot_of(tag);
      return first_slot_;
    }
    if (distance >> shift_ <= mask_) [[likely]]
      return (first_slot_ + (distance >> shift_)) & mask_;
    tag = first_ + (mask_ << shift_);
    return (first_slot_ + mask_) & mask_;
  }

  void mark(std::size_t slot) {
    if (is_small()) {
      all_ |= bit(slot);
      return;
    }
    words_[slot / 64] |= bit(slot);
    groups_[slot / 4096] |= bit(slot / 64);
    all_ |= bit(slot / 4096);
  }
  void unmark(std::size_t slot) {
    if (is_small()) {
      all_ &= ~bit(slot);
      return;
    }
    words_[slot / 64] &= ~bit(slot);
    if (words_[slot / 64] != 0) return;
    groups_[slot / 4096] &= ~bit(slot / 64);
    if (groups_[slot / 4096] == 0) all_ &= ~bit(slot / 4096);
  }

  /// The border of the first bucket in use. Requires: not empty.
  [[nodiscard]] uint64_t first() {
    const std::size_t found = is_small()
                                  ? first_slot_ + lowest(std::rotr(all_, static_cast<int>(first_slot_)))
                                  : find_from(first_slot_);
    first_ += uint64_t{found - first_slot_} << shift_;
    first_slot_ = found & mask_;
    return first_;
  }
  /// Where the first bucket is kept, as `first` has just found it.
  [[nodiscard]] std::size_t first_slot() const { return first_slot_; }

 private:
  static constexpr std::size_t kNowhere = SIZE_MAX;

  /// `all_` alone says which buckets are in use.
  [[nodiscard]] bool is_small() const { return mask_ == 63; }

  /// The first slot in use from `slot` on, around the circle: one behind the end stands for the next turn.
  [[nodiscard]] std::size_t find_from(std::size_t slot) const {
    const std::size_t found = find_up_from(slot);
    return found != kNowhere ? found : find_up_from(0) + mask_ + 1;
  }
  /// The same, up to the end of the circle.
  [[nodiscard]] std::size_t find_up_from(std::size_t slot) const {
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

  std::vector<uint64_t> words_;        // a bit for each bucket in use,
  std::array<uint64_t, 64> groups_{};  // for each word that is not zero,
  uint64_t all_ = 0;                   // and for each group; where there are 64 buckets, for each of these
  uint64_t first_ = 0;                 // border: no bucket before it is in use
  std::size_t first_slot_ = 0;
  uint64_t mask_;
  unsigned shift_;
};

static_assert(BucketCircle::kMost == std::size_t{64} * 64 * 64);

}  // namespace bulkhead
