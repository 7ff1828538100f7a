// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

namespace bulkhead {

/// Members 0..n-1 ordered by a time each, earliest first: a heap of four children a node, whose keys lie
/// beside the members, so that a level is one cache line. A member is in it once or not at all. Times may
/// wrap: they are compared by their difference. No allocation after construction.
class TimeHeap {
 public:
  explicit TimeHeap(std::size_t members) : position_(members, kAbsent) { entries_.reserve(members); }

  /// Makes room for members up to `members` - 1. Requires: no fewer than before.
  void grow(std::size_t members) {
    position_.resize(members, kAbsent);
    entries_.reserve(members);
  }

  [[nodiscard]] bool empty() const { return entries_.empty(); }
  [[nodiscard]] bool contains(uint16_t member) const { return position_[member] != kAbsent; }
  /// Requires: not empty.
  [[nodiscard]] uint16_t first() const { return entries_.front().member; }
  [[nodiscard]] uint64_t first_time() const { return entries_.front().time; }

  /// Requires: not in it.
  void push(uint16_t member, uint64_t time) {
    entries_.push_back({time, member});
    sift_up(entries_.size() - 1, {time, member});
  }
  void pop() { erase(0); }
  /// Requires: in it.
  void remove(uint16_t member) { erase(position_[member]); }

 private:
  struct Entry {
    uint64_t time;
    uint16_t member;
  };
  static constexpr uint16_t kAbsent = UINT16_MAX;
  static constexpr std::size_t kChildren = 4;

  static bool before(const Entry& a, const Entry& b) { return static_cast<int64_t>(a.time - b.time) < 0; }
  void place(std::size_t at, const Entry& entry) {
    entries_[at] = entry;
    position_[entry.member] = static_cast<uint16_t>(at);
  }

  void sift_up(std::size_t at, const Entry entry) {
    while (at > 0) {
      const std::size_t parent = (at - 1) / kChildren;
      if (!before(entry, entries_[parent])) break;
      place(at, entries_[parent]);
      at = parent;
    }
    place(at, entry);
  }

  void sift_down(std::size_t at, const Entry entry) {
    for (std::size_t child; (child = at * kChildren + 1) < entries_.size();) {
      const std::size_t end = std::min(child + kChildren, entries_.size());
      std::size_t least = child;
      while (++child < end)
        if (before(entries_[child], entries_[least])) least = child;
      if (!before(entries_[least], entry)) break;
      place(at, entries_[least]);
      at = least;
    }
    place(at, entry);
  }

  void erase(std::size_t at) {
    position_[entries_[at].member] = kAbsent;
    const Entry last = entries_.back();
    entries_.pop_back();
    if (at == entries_.size()) return;
    if (at > 0 && before(last, entries_[(at - 1) / kChildren]))
      sift_up(at, last);
    else
      sift_down(at, last);
  }

  std::vector<Entry> entries_;
  std::vector<uint16_t> position_;
};

}  // namespace bulkhead
