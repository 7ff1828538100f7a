// SPDX-License-Identifier: Apache-2.0
#include "classifier/flow_tree.hpp"

#include <algorithm>
#include <map>
#include <utility>

namespace bulkhead {
namespace {

constexpr size_t kFewPieces = 3;   // not worth another node
constexpr size_t kLargeLeaf = 12;  // worth another tree
constexpr size_t kLongScan = 32;   // worth more memory
constexpr size_t kMore = 8;        // how many times as much
constexpr size_t kHiders = 16;     // of a list, those that are asked whether they hide another

using Which = std::span<const uint32_t>;

/// In which dimensions a piece is much narrower than the region. Pieces alike in this share a tree well.
uint32_t narrow_dimensions(const Piece& piece, const Box& region) {
  uint32_t out = 0;
  for (size_t d = 0; d < kDimensions; ++d) {
    const uint64_t width = piece.box.last[d] - piece.box.first[d];
    if (width < (region.last[d] - region.first[d]) / 8) out |= 1u << d;
  }
  return out;
}

/// Pieces that are narrow in the same dimensions, the most first, in at most FlowTrees::kMaxTrees groups.
/// What is narrow is asked within an address family: all of IPv4 is little beside IPv6.
std::vector<std::vector<uint32_t>> alike(std::span<const Piece> pieces, Which which, const Box& region) {
  std::map<std::pair<uint64_t, uint64_t>, Box> family_regions;
  std::map<uint32_t, std::vector<uint32_t>> by_dimensions;
  for (const uint32_t i : which) {
    const Box& box = pieces[i].box;
    const auto [known, added] =
        family_regions.try_emplace({box.first[kDimFamily], box.last[kDimFamily]}, region);
    if (added) {
      known->second.first[kDimFamily] = std::max(region.first[kDimFamily], box.first[kDimFamily]);
      known->second.last[kDimFamily] = std::min(region.last[kDimFamily], box.last[kDimFamily]);
      known->second = tighten(known->second).value_or(region);
    }
    by_dimensions[narrow_dimensions(pieces[i], known->second)].push_back(i);
  }
  std::vector<std::vector<uint32_t>> groups;
  for (auto& [dimensions, group] : by_dimensions) groups.push_back(std::move(group));
  std::ranges::sort(groups, std::ranges::greater{},
                    [](const auto& group) { return std::pair{group.size(), group.front()}; });
  for (size_t n = FlowTrees::kMaxTrees; n < groups.size(); ++n) {
    auto& last = groups[FlowTrees::kMaxTrees - 1];
    last.insert(last.end(), groups[n].begin(), groups[n].end());
  }
  groups.resize(std::min(groups.size(), FlowTrees::kMaxTrees));
  std::ranges::sort(groups.back());
  return groups;
}

}  // namespace

/// Grows one tree.
class TreeBuilder {
 public:
  TreeBuilder(FlowTrees& trees, std::span<const Piece> pieces) : trees_(trees), pieces_(pieces) {}

  /// Takes at most `places` at the leaves. Requires: no fewer than pieces.
  uint32_t build(Which which, const Box& region, size_t places) {
    const auto root = static_cast<uint32_t>(trees_.nodes_.size());
    trees_.nodes_.emplace_back();
    grow(root, which, Region{region}, places - which.size(), 0);
    return root;
  }
  [[nodiscard]] size_t largest_leaf() const { return largest_leaf_; }

 private:
  /// `copies`: how many more places may be taken by pieces that a split puts on both sides. Returns how many
  /// were not.
  size_t grow(uint32_t node, Which all, Region region, size_t copies, int depth) {
    const auto tight = tighten(region.box);
    if (!tight) return leaf(node, {}, region), copies + all.size();
    region.box = *tight;
    const std::vector<uint32_t> which = candidates(all, region);
    copies += all.size() - which.size();  // the places of those left out
    if (which.size() <= kFewPieces || depth == FlowTrees::kMaxDepth) return leaf(node, which, region), copies;
    const auto split = choose_split(pieces_, which, region);
    if (!split) return leaf(node, which, region), copies;
    const Balance balance = balance_of(pieces_, which, *split);
    if (balance.both > copies) return leaf(node, which, region), copies;

    const auto children = static_cast<uint32_t>(trees_.nodes_.size());
    trees_.nodes_.resize(children + 2);
    trees_.nodes_[node] = {split->value, children, split->dimension,
                           split->is_bit ? FlowTrees::Kind::bit : FlowTrees::Kind::threshold};
    copies -= balance.both;
    const size_t left = balance.left + balance.both;
    const size_t left_copies = copies * left / (left + balance.right + balance.both);
    const auto grow_left = [&](size_t mine) {
      return grow(children, part(which, *split, Side::right), region.left_of(*split), mine, depth + 1);
    };
    const auto grow_right = [&](size_t mine) {
      return grow(children + 1, part(which, *split, Side::left), region.right_of(*split), mine, depth + 1);
    };
    // The smaller side first: what it leaves is the other's.
    if (balance.left < balance.right) return grow_right(copies - left_copies + grow_left(left_copies));
    return grow_left(left_copies + grow_right(copies - left_copies));
  }

  /// Those with points in the region that are not hidden by one before them, down to the first that leaves
  /// nothing to those behind it. Who wins at a point is the same with them as with all.
  [[nodiscard]] std::vector<uint32_t> candidates(Which all, const Region& region) const {
    std::vector<uint32_t> out;
    out.reserve(all.size());
    for (const uint32_t piece : all) {
      if (!pieces_[piece].box.overlaps(region.box) || is_hidden(piece, out, region)) continue;
      out.push_back(piece);
      if (covers(pieces_[piece], region)) break;
    }
    return out;
  }

  [[nodiscard]] bool is_hidden(uint32_t piece, Which before, const Region& region) const {
    return std::ranges::any_of(before.first(std::min(before.size(), kHiders)),
                               [&](uint32_t b) { return hides(pieces_[b], pieces_[piece], region); });
  }

  [[nodiscard]] std::vector<uint32_t> part(Which which, const Split& split, Side without) const {
    std::vector<uint32_t> out;
    out.reserve(which.size());
    for (const uint32_t piece : which) {
      if (side_of(pieces_[piece], split) != without) out.push_back(piece);
    }
    return out;
  }

  void leaf(uint32_t node, Which which, const Region& region) {
    const auto first = static_cast<uint32_t>(trees_.leaf_pieces_.size());
    trees_.leaf_pieces_.insert(trees_.leaf_pieces_.end(), which.begin(), which.end());
    if (!which.empty() && covers(pieces_[which.back()], region))
      trees_.leaf_pieces_.back() |= FlowTrees::kCertain;
    trees_.nodes_[node] = {which.size(), first, kDimVlan, FlowTrees::Kind::leaf};
    largest_leaf_ = std::max(largest_leaf_, which.size());
  }

  FlowTrees& trees_;
  std::span<const Piece> pieces_;
  size_t largest_leaf_ = 0;
};

FlowTrees::FlowTrees(std::span<const Piece> pieces, std::span<const FlowspaceEntry> entries) {
  for (const Piece& piece : pieces) checks_.add(piece, entries[piece.entry].match);
}

FlowTrees::Grown FlowTrees::grow(std::span<const Piece> pieces, Which which, const Box& region,
                                 size_t places) {
  const Size before = size();
  TreeBuilder single{*this, pieces};
  Grown one{{single.build(which, region, places)}, single.largest_leaf()};
  if (one.comparisons <= kLargeLeaf) return one;
  const auto groups = alike(pieces, which, region);
  if (groups.size() <= 1) return one;

  cut_back(before);
  Grown several;
  for (const auto& group : groups) {
    TreeBuilder builder{*this, pieces};
    several.roots.push_back(builder.build(group, region, places / which.size() * group.size()));
    several.comparisons += builder.largest_leaf();
  }
  return several;
}

std::vector<uint32_t> FlowTrees::build(std::span<const Piece> pieces, Which which, const Box& region) {
  const Size before = size();
  size_t places = kSpread * which.size() + kSpare;
  Grown best = grow(pieces, which, region, places);
  const bool scans_long = best.comparisons > kLongScan;
  while (best.comparisons > kLongScan && places < spare_places_) {
    const size_t more = std::min(places * kMore, spare_places_);
    cut_back(before);
    Grown larger = grow(pieces, which, region, more);
    if (larger.comparisons > best.comparisons / 4 * 3) {  // not worth it
      cut_back(before);
      best = grow(pieces, which, region, places);
      break;
    }
    best = std::move(larger);
    places = more;
  }
  if (scans_long) spare_places_ -= std::min(spare_places_, size().places - before.places);
  return best.roots;
}

std::vector<uint32_t> FlowTrees::largest_leaf(uint32_t root) const {
  Node largest;
  for (std::vector<uint32_t> rest{root}; !rest.empty();) {
    const Node& node = nodes_[rest.back()];
    rest.pop_back();
    if (node.kind != Kind::leaf) {
      rest.insert(rest.end(), {node.next, node.next + 1});
    } else if (node.value > largest.value) {
      largest = node;
    }
  }
  std::vector<uint32_t> pieces;
  for (uint64_t i = 0; i < largest.value; ++i) pieces.push_back(leaf_pieces_[largest.next + i] & ~kCertain);
  return pieces;
}

FlowTrees::Size FlowTrees::size() const { return {nodes_.size(), leaf_pieces_.size()}; }

void FlowTrees::cut_back(const Size& size) {
  nodes_.resize(size.nodes);
  leaf_pieces_.resize(size.places);
}

}  // namespace bulkhead
