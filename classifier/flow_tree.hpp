// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "classifier/piece_checks.hpp"
#include "classifier/split.hpp"

/// Pieces of flowspaces compiled into decision trees: a lookup walks down by comparing one coordinate at each
/// node, and tries the few pieces at the leaf. Trees are as deep as they were built: no frame can make a
/// lookup longer.
namespace bulkhead {

/// Trees over one list of pieces in order of rank, the winning ones first. Immutable once built; `find` may
/// be called from any thread and allocates nothing.
class FlowTrees {
 public:
  static constexpr uint32_t kNone = 0x7fff'ffff;
  /// Most trees that `build` makes of one list.
  static constexpr size_t kMaxTrees = 8;
  static constexpr int kMaxDepth = 64;

  FlowTrees() = default;
  /// Compiles what a leaf checks of each piece. `pieces` in order of rank, of the matches in `entries`.
  FlowTrees(std::span<const Piece> pieces, std::span<const FlowspaceEntry> entries);

  /// Builds trees for those of `pieces` that `which` names (ascending), for points in `region`, and returns
  /// their roots. Usually one; several where pieces that are narrow in different dimensions would be copied
  /// too often in one. Trees of n pieces have at most kSpread * n + kSpare places at their leaves, or, where
  /// leaves would be long, as many as all lists together may have beyond that (spare_places_). Then leaves
  /// grow: see largest_leaf().
  [[nodiscard]] std::vector<uint32_t> build(std::span<const Piece> pieces, std::span<const uint32_t> which,
                                            const Box& region);

  /// The first of the tree's pieces that has the point, if it ranks before `best`; else `best`.
  /// `Coordinates`: Point or CommonFrame.
  template <class Coordinates>
  [[nodiscard]] uint32_t find(uint32_t root, const Coordinates& point, uint32_t best) const;

  /// The tree's leaf that has the most pieces, which a lookup may all have to try.
  [[nodiscard]] std::vector<uint32_t> largest_leaf(uint32_t root) const;

  [[nodiscard]] const PieceChecks& checks() const { return checks_; }

 private:
  static constexpr size_t kSpread = 8;
  static constexpr size_t kSpare = 64;
  friend class TreeBuilder;

  enum class Kind : uint8_t { threshold, bit, leaf };
  /// A threshold or bit with children at `next` and `next` + 1, or `value` places at leaf_pieces_[next].
  struct Node {
    uint64_t value = 0;
    uint32_t next = 0;
    Dimension dimension = kDimVlan;
    Kind kind = Kind::leaf;
  };
  static_assert(sizeof(Node) == 16);

  /// Marks the place of a piece that has every point of its leaf.
  static constexpr uint32_t kCertain = 0x8000'0000;

  struct Size {
    size_t nodes = 0;
    size_t places = 0;
  };
  struct Grown {
    std::vector<uint32_t> roots;
    size_t comparisons = 0;  // most that a lookup may make at their leaves
  };
  [[nodiscard]] Grown grow(std::span<const Piece> pieces, std::span<const uint32_t> which, const Box& region,
                           size_t places);
  [[nodiscard]] Size size() const;
  void cut_back(const Size& size);

  // What lists whose leaves are long may take together, beyond which leaves grow: 1 MiB.
  size_t spare_places_ = size_t{1} << 18;
  std::vector<Node> nodes_;
  std::vector<uint32_t> leaf_pieces_;
  PieceChecks checks_;
};

template <class Coordinates>
uint32_t FlowTrees::find(uint32_t root, const Coordinates& point, uint32_t best) const {
  const Node* node = &nodes_[root];
  while (node->kind != Kind::leaf) {
    const uint64_t coordinate = point[node->dimension];
    const bool right =
        node->kind == Kind::threshold ? coordinate >= node->value : (coordinate & node->value) != 0;
    node = &nodes_[node->next + (right ? 1 : 0)];
  }
  const uint32_t* place = leaf_pieces_.data() + node->next;
  for (const uint32_t* end = place + node->value; place != end; ++place) {
    const uint32_t piece = *place & ~kCertain;
    if (piece >= best) return best;
    if ((*place & kCertain) != 0 || checks_.fits(piece, point)) return piece;
  }
  return best;
}

}  // namespace bulkhead
