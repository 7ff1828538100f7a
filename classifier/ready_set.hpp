// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstdint>
#include <memory>

namespace bulkhead {

/// Who has work waiting: one bit each. Producers mark after they have queued; a consumer unmarks before it
/// looks into the queue, so that what is queued later marks again and nothing is forgotten. Any thread.
///
/// Both sides are read-modify-writes of the same word: whichever comes second sees what the first one
/// queued (release sequence), on every architecture and without a fence.
class ReadySet {
 public:
  explicit ReadySet(std::size_t members)
      // One word at least: a set of nobody can be asked like any other.
      : words_count_(std::max<std::size_t>(1, (members + 63) / 64)),
        words_(std::make_unique<std::atomic<uint64_t>[]>(words_count_)) {}

  [[nodiscard]] std::size_t words() const { return words_count_; }

  void mark(std::size_t member) { mark_word(member / 64, uint64_t{1} << member % 64); }
  void mark_word(std::size_t word, uint64_t bits) { words_[word].fetch_or(bits, std::memory_order_acq_rel); }
  void unmark(std::size_t member) {
    words_[member / 64].fetch_and(~(uint64_t{1} << member % 64), std::memory_order_acq_rel);
  }

  /// The marks of members 64 * word and up. Bits may be gone by the time they are acted on.
  [[nodiscard]] uint64_t marks(std::size_t word) const {
    return words_[word].load(std::memory_order_relaxed);
  }

  /// Calls `visit(member)` for the marked members in turn, beginning at `cursor` and once around, until it
  /// returns false. `cursor` moves on behind the last one visited, so that the next call continues there.
  template <class Visit>
  void in_turn(std::size_t& cursor, Visit visit) const;

 private:
  std::size_t words_count_;
  std::unique_ptr<std::atomic<uint64_t>[]> words_;
};

template <class Visit>
void ReadySet::in_turn(std::size_t& cursor, Visit visit) const {
  const std::size_t start = cursor / 64 < words_count_ ? cursor : 0;
  const uint64_t from_start = ~uint64_t{0} << start % 64;
  // The first word comes twice: from the cursor on, and at the end up to it.
  for (std::size_t step = 0; step <= words_count_; ++step) {
    const std::size_t word = (start / 64 + step) % words_count_;
    uint64_t bits = marks(word);
    if (step == 0) bits &= from_start;
    if (step == words_count_) bits &= ~from_start;
    for (; bits != 0; bits &= bits - 1) {
      const std::size_t member = word * 64 + static_cast<std::size_t>(std::countr_zero(bits));
      if (!visit(member)) return;
      cursor = member + 1;
    }
  }
}

/// Calls `visit(index)` for each bit that is set, lowest first.
template <class Visit>
void for_each_bit(uint64_t bits, Visit visit) {
  for (; bits != 0; bits &= bits - 1) visit(static_cast<uint32_t>(std::countr_zero(bits)));
}

}  // namespace bulkhead
