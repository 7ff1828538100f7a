// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "classifier/box.hpp"

/// Cutting space in two, where it tells the most pieces apart.
namespace bulkhead {

/// Coordinates below `value` are left, the others right; or, in an Ethernet address, addresses that lack the
/// bit `value` are left and those that have it right.
struct Split {
  Dimension dimension = kDimVlan;
  bool is_bit = false;
  uint64_t value = 0;
};

/// A part of space as splits have left it: an interval in each dimension, and bits of MAC addresses that are
/// known.
struct Region {
  Box box;
  uint64_t known_dst = 0;
  uint64_t known_src = 0;

  [[nodiscard]] Region left_of(const Split& split) const;
  [[nodiscard]] Region right_of(const Split& split) const;
};

/// The piece has every point of the region. May say no where only the known bits of a MAC address would show
/// it. Requires: a tight box in the region.
[[nodiscard]] bool covers(const Piece& piece, const Region& region);

/// Whatever points of `piece` lie in the region, `before` has them too. May say no like `covers`. Requires:
/// both have points in the region.
[[nodiscard]] bool hides(const Piece& before, const Piece& piece, const Region& region);

enum class Side : uint8_t { left, right, both };
[[nodiscard]] Side side_of(const Piece& piece, const Split& split);

/// Which of `pieces` come left, right, or to both sides.
struct Balance {
  size_t left = 0;  // `both` not included
  size_t right = 0;
  size_t both = 0;
  /// What comparing the pieces of each side with one another would cost.
  [[nodiscard]] double cost() const;
};
[[nodiscard]] Balance balance_of(std::span<const Piece> pieces, std::span<const uint32_t> which,
                                 const Split& split);

/// The best split found for these pieces inside a region, judged by Balance::cost; nothing when none leaves
/// pieces out on either side. Judges by a sample where there are many.
[[nodiscard]] std::optional<Split> choose_split(std::span<const Piece> pieces,
                                                std::span<const uint32_t> which, const Region& region);

}  // namespace bulkhead
