// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>

namespace bulkhead {

/// Who has work waiting: one bit each. Producers mark after they have queued; a consumer takes the mark
/// before it looks into the queue, so that what is queued later marks again and nothing is forgotten. Any
/// thread.
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

  [[nodiscard]] bool is_marked(std::size_t member) const {
    return (marks(member / 64) >> member % 64 & 1) != 0;
  }
  void unmark(std::size_t member) {
    words_[member / 64].fetch_and(~(uint64_t{1} << member % 64), std::memory_order_acq_rel);
  }

  /// The marks of members 64 * word and up. Bits may be gone by the time they are acted on.
  [[nodiscard]] uint64_t marks(std::size_t word) const {
    return words_[word].load(std::memory_order_relaxed);
  }

  /// Takes marks back, in turn from `cursor` on and once around, until `members` is full or none is left;
  /// returns how many. Each mark goes to one taker, who looks after the member or marks it again. `cursor`
  /// moves on behind the last one, so that the next call continues there. An atomic step a word, no more.
  std::size_t take(std::size_t& cursor, std::span<std::size_t> members) {
    return take(cursor, members, [](std::size_t) { return ~uint64_t{0}; });
  }
  /// The same for the members of which `mask(word)` has the bits.
  template <class Mask>
  std::size_t take(std::size_t& cursor, std::span<std::size_t> members, Mask mask);

  /// Marks members[i] for every i of which `which(i)` is true. An atomic step for those that follow each
  /// other in one word.
  template <class Which>
  void mark_those(std::span<const std::size_t> members, Which which);

 private:
  /// Takes marks of one word, of those that were seen there, until `members` is full.
  std::size_t take_from(std::size_t word, uint64_t bits, std::span<std::size_t> members);

  std::size_t words_count_;
  std::unique_ptr<std::atomic<uint64_t>[]> words_;
};

template <class Mask>
std::size_t ReadySet::take(std::size_t& cursor, std::span<std::size_t> members, Mask mask) {
  const std::size_t start = cursor / 64 < words_count_ ? cursor : 0;
  const uint64_t from_start = ~uint64_t{0} << start % 64;
  std::size_t count = 0;
  std::size_t word = start / 64;
  // The first word comes twice: from the cursor on, and at the end up to it.
  for (std::size_t step = 0; step <= words_count_ && count < members.size(); ++step, ++word) {
    if (word == words_count_) word = 0;
    uint64_t bits = marks(word) & mask(word);
    if (step == 0) bits &= from_start;
    if (step == words_count_) bits &= ~from_start;
    if (bits != 0) count += take_from(word, bits, members.subspan(count));
  }
  if (count > 0) cursor = members[count - 1] + 1;
  return count;
}

inline std::size_t ReadySet::take_from(std::size_t word, uint64_t bits, std::span<std::size_t> members) {
  std::size_t count = 0;
  uint64_t rest = bits;
  for (; rest != 0 && count < members.size(); rest &= rest - 1)
    members[count++] = word * 64 + static_cast<std::size_t>(std::countr_zero(rest));
  const uint64_t wanted = bits & ~rest;
  const uint64_t lost = wanted & ~words_[word].fetch_and(~wanted, std::memory_order_acq_rel);
  if (lost == 0) [[likely]]
    return count;
  // Another taker was faster with some.
  const auto is_lost = [&](std::size_t member) { return (lost >> member % 64 & 1) != 0; };
  return static_cast<std::size_t>(std::ranges::remove_if(members.first(count), is_lost).begin() -
                                  members.begin());
}

template <class Which>
void ReadySet::mark_those(std::span<const std::size_t> members, Which which) {
  std::size_t word = 0;
  uint64_t bits = 0;
  for (std::size_t i = 0; i < members.size(); ++i) {
    if (!which(i)) continue;
    if (members[i] / 64 != word && bits != 0) mark_word(word, std::exchange(bits, 0));
    word = members[i] / 64;
    bits |= uint64_t{1} << members[i] % 64;
  }
  if (bits != 0) mark_word(word, bits);
}

/// Calls `visit(index)` for each bit that is set, lowest first.
template <class Visit>
void for_each_bit(uint64_t bits, Visit visit) {
  for (; bits != 0; bits &= bits - 1) visit(static_cast<uint32_t>(std::countr_zero(bits)));
}

}  // namespace bulkhead
