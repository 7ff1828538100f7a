// SPDX-License-Identifier: Apache-2.0
#include "classifier/split.hpp"

#include <algorithm>

namespace bulkhead {
namespace {

constexpr size_t kSample = 64;
// Worth a split that leaves no fewer to one side: there, some pieces may reach from end to end now, and hide
// others.
constexpr size_t kManyPieces = 12;

using Which = std::span<const uint32_t>;
using Pieces = std::span<const Piece>;

/// Keeps the better of what it is shown: a split that leaves pieces out on both sides if there is one, else
/// one that leaves some out on one side.
class Contest {
 public:
  Contest(Pieces pieces, Which which) : pieces_(pieces), which_(which) {}

  void enter(const Split& split) {
    const Balance balance = balance_of(pieces_, which_, split);
    if (balance.left == 0 && balance.right == 0) return;
    const bool parts = balance.left != 0 && balance.right != 0;
    if (best_ && (parts_ != parts ? parts_ : balance.cost() >= best_cost_)) return;
    best_ = split;
    best_cost_ = balance.cost();
    parts_ = parts;
  }
  [[nodiscard]] std::optional<Split> best() const {
    return parts_ || which_.size() > kManyPieces ? best_ : std::nullopt;
  }

 private:
  Pieces pieces_;
  Which which_;
  std::optional<Split> best_;
  double best_cost_ = 0;
  bool parts_ = false;
};

/// Where intervals begin, and where they have ended, inside the region.
void enter_thresholds(Contest& contest, Pieces pieces, Which which, Dimension dimension, const Box& region,
                      std::vector<uint64_t>& scratch) {
  scratch.clear();
  const uint64_t first = region.first[dimension];
  const uint64_t last = region.last[dimension];
  for (const uint32_t i : which) {
    const Box& box = pieces[i].box;
    if (first < box.first[dimension] && box.first[dimension] <= last) scratch.push_back(box.first[dimension]);
    if (first <= box.last[dimension] && box.last[dimension] < last)
      scratch.push_back(box.last[dimension] + 1);
  }
  if (scratch.empty()) return;
  uint64_t previous = first;
  for (const size_t quarter : {size_t{2}, size_t{1}, size_t{3}}) {
    const auto nth = scratch.begin() + static_cast<ptrdiff_t>(scratch.size() * quarter / 4);
    std::nth_element(scratch.begin(), nth, scratch.end());
    if (*nth == previous) continue;
    previous = *nth;
    contest.enter({dimension, false, *nth});
  }
}

/// Bits that some mask asks for where no interval can say so.
void enter_bits(Contest& contest, Pieces pieces, Which which, Dimension dimension, uint64_t known) {
  const bool dst = dimension == kDimEthDst;
  uint64_t asked = 0;
  bool holes = false;
  for (const uint32_t i : which) {
    const uint64_t mask = dst ? pieces[i].eth_dst.mask : pieces[i].eth_src.mask;
    asked |= mask;
    holes = holes || !is_prefix_mask(mask);
  }
  if (!holes) return;
  for (asked &= ~known; asked != 0; asked &= asked - 1) contest.enter({dimension, true, asked & -asked});
}

std::optional<Split> choose_among(Pieces pieces, Which which, const Region& region) {
  Contest contest{pieces, which};
  std::vector<uint64_t> scratch;
  scratch.reserve(2 * which.size());
  for (size_t d = 0; d < kDimensions; ++d) {
    enter_thresholds(contest, pieces, which, static_cast<Dimension>(d), region.box, scratch);
  }
  enter_bits(contest, pieces, which, kDimEthDst, region.known_dst);
  enter_bits(contest, pieces, which, kDimEthSrc, region.known_src);
  return contest.best();
}

uint64_t& known_bits(Region& region, Dimension dimension) {
  return dimension == kDimEthDst ? region.known_dst : region.known_src;
}

}  // namespace

Region Region::left_of(const Split& split) const {
  Region out = *this;
  if (split.is_bit) {
    known_bits(out, split.dimension) |= split.value;
  } else {
    out.box.last[split.dimension] = std::min(out.box.last[split.dimension], split.value - 1);
  }
  return out;
}

Region Region::right_of(const Split& split) const {
  Region out = *this;
  if (split.is_bit) {
    known_bits(out, split.dimension) |= split.value;
  } else {
    out.box.first[split.dimension] = std::max(out.box.first[split.dimension], split.value);
  }
  return out;
}

bool covers(const Piece& piece, const Region& region) {
  const auto fits_mask = [](const MaskedMac& mac, uint64_t known) {
    return is_prefix_mask(mac.mask) || (mac.mask & ~known) == 0;
  };
  const uint64_t pcps =
      2 * region.box.last[kDimPcp] - region.box.first[kDimPcp];  // all bits from first to last
  return piece.box.contains(region.box) && (pcps & ~uint64_t{piece.pcp.bits}) == 0 &&
         fits_mask(piece.eth_dst, region.known_dst) && fits_mask(piece.eth_src, region.known_src);
}

bool hides(const Piece& before, const Piece& piece, const Region& region) {
  const auto agrees = [](const MaskedMac& a, const MaskedMac& b, uint64_t known) {
    const uint64_t asked = a.mask & ~known;
    return is_prefix_mask(a.mask) || ((asked & ~b.mask) == 0 && ((a.value ^ b.value) & asked) == 0);
  };
  for (size_t d = 0; d < kDimensions; ++d) {
    const uint64_t first = std::max(piece.box.first[d], region.box.first[d]);
    const uint64_t last = std::min(piece.box.last[d], region.box.last[d]);
    if (first < before.box.first[d] || before.box.last[d] < last) return false;
  }
  return (piece.pcp.bits & ~before.pcp.bits) == 0 &&
         agrees(before.eth_dst, piece.eth_dst, region.known_dst) &&
         agrees(before.eth_src, piece.eth_src, region.known_src);
}

Side side_of(const Piece& piece, const Split& split) {
  if (split.is_bit) {
    const MaskedMac& mac = split.dimension == kDimEthDst ? piece.eth_dst : piece.eth_src;
    if ((mac.mask & split.value) == 0) return Side::both;
    return (mac.value & split.value) == 0 ? Side::left : Side::right;
  }
  if (piece.box.last[split.dimension] < split.value) return Side::left;
  return piece.box.first[split.dimension] >= split.value ? Side::right : Side::both;
}

double Balance::cost() const {
  const auto l = static_cast<double>(left + both);
  const auto r = static_cast<double>(right + both);
  return l * l + r * r;
}

Balance balance_of(Pieces pieces, Which which, const Split& split) {
  Balance balance;
  for (const uint32_t i : which) {
    switch (side_of(pieces[i], split)) {
      case Side::left:
        ++balance.left;
        break;
      case Side::right:
        ++balance.right;
        break;
      case Side::both:
        ++balance.both;
        break;
    }
  }
  return balance;
}

std::optional<Split> choose_split(Pieces pieces, Which which, const Region& region) {
  if (which.size() <= kSample) return choose_among(pieces, which, region);
  std::vector<uint32_t> sample(kSample);
  for (size_t n = 0; n < kSample; ++n) sample[n] = which[n * which.size() / kSample];
  const auto split = choose_among(pieces, sample, region);
  if (split && balance_of(pieces, which, *split).cost() <
                   0.8 * static_cast<double>(which.size()) * static_cast<double>(which.size()))
    return split;
  return choose_among(pieces, which, region);  // what tells them apart was not in the sample
}

}  // namespace bulkhead
