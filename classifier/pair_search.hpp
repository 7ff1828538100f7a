// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "classifier/split.hpp"

namespace bulkhead {

/// Finds pieces that may have points in common, without comparing all with all: divide and conquer, as pieces
/// that a cut of space puts on different sides need no comparing. Each cut that is made lowers the number of
/// comparisons left, so that the worst case is that of comparing all with all.
///
/// `settled(which)`: nothing more is to be learned from these pieces. `compare(a, b)`: called for pairs, some
/// of them more than once; says whether it learned something.
template <class Settled, class Compare>
class PairSearch {
 public:
  using Which = std::span<const uint32_t>;

  PairSearch(std::span<const Piece> pieces, Settled settled, Compare compare)
      : pieces_(pieces), settled_(std::move(settled)), compare_(std::move(compare)) {}

  void run(Which which) { solve(which, Region{Box::everything()}, 0); }

 private:
  static constexpr size_t kFewPieces = 12;
  static constexpr int kMaxDepth = 200;
  static constexpr double kWorthwhile = 0.8;

  void solve(Which which, const Region& region, int depth) {
    if (settled_(which)) return;
    if (which.size() <= kFewPieces || depth == kMaxDepth) return compare_all(which);
    const auto split = choose_split(pieces_, which, region);
    const double all = static_cast<double>(which.size()) * static_cast<double>(which.size());
    if (!split || balance_of(pieces_, which, *split).cost() > kWorthwhile * all) return compare_all(which);
    solve(part(which, *split, Side::right), region.left_of(*split), depth + 1);
    solve(part(which, *split, Side::left), region.right_of(*split), depth + 1);
  }

  [[nodiscard]] std::vector<uint32_t> part(Which which, const Split& split, Side without) const {
    std::vector<uint32_t> out;
    out.reserve(which.size());
    for (const uint32_t i : which) {
      if (side_of(pieces_[i], split) != without) out.push_back(i);
    }
    return out;
  }

  void compare_all(Which which) {
    for (size_t n = 1; n < which.size(); ++n) {
      bool learned = false;
      for (size_t k = 0; k < n; ++k) learned |= compare_(pieces_[which[k]], pieces_[which[n]]);
      if (learned && settled_(which)) return;
    }
  }

  std::span<const Piece> pieces_;
  Settled settled_;
  Compare compare_;
};

}  // namespace bulkhead
