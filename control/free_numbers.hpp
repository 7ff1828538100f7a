// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace bulkhead {

/// Queues or marks of a port, 1 and up, that are not taken, the lowest first.
class FreeNumbers {
 public:
  explicit FreeNumbers(uint16_t last) : taken_(last + std::size_t{1}), set_aside_(taken_.size()) {
    taken_[0] = true;
  }

  /// Others get it only where there is no other left.
  void set_aside(uint16_t number) {
    if (number < set_aside_.size()) set_aside_[number] = true;
  }

  bool take(uint16_t number) {
    if (number >= taken_.size() || taken_[number]) return false;
    return taken_[number] = true;
  }
  std::optional<uint16_t> take_any() {
    if (const auto free = take_unclaimed()) return free;
    // The last is what a class got that is lower, or of a later slice.
    for (std::size_t number = taken_.size(); number-- > 1;)
      if (take(static_cast<uint16_t>(number))) return static_cast<uint16_t>(number);
    return std::nullopt;
  }
  [[nodiscard]] bool are_all_taken() const { return std::ranges::find(taken_, false) == taken_.end(); }
  /// One that is not set aside either.
  std::optional<uint16_t> take_unclaimed() {
    for (std::size_t number = 1; number < taken_.size(); ++number)
      if (!set_aside_[number] && take(static_cast<uint16_t>(number))) return static_cast<uint16_t>(number);
    return std::nullopt;
  }

 private:
  std::vector<bool> taken_;
  std::vector<bool> set_aside_;
};

}  // namespace bulkhead
