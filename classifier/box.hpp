// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <vector>

#include "classifier/match.hpp"
#include "classifier/parser.hpp"

/// Flowspaces as geometry: a frame is a point, a match a few boxes. The overlap proof and the slice table cut
/// this space; what boxes cannot say (PCP lists, MAC masks with holes) stands beside them in a Piece.
namespace bulkhead {

/// Coordinates of a point. Every field is one number but for an address, which is a family and two halves (an
/// IPv4 address fills the high one), and PCP n, which is 1 << n so that a set of PCPs is a mask of it.
using Dimension = uint8_t;
inline constexpr Dimension kDimVlan = 0;
inline constexpr Dimension kDimPort = 1;
inline constexpr Dimension kDimDstHigh = 2;
inline constexpr Dimension kDimSrcHigh = 3;
inline constexpr Dimension kDimDstLow = 4;
inline constexpr Dimension kDimSrcLow = 5;
inline constexpr Dimension kDimL4Dst = 6;
inline constexpr Dimension kDimL4Src = 7;
inline constexpr Dimension kDimEthDst = 8;
inline constexpr Dimension kDimEthSrc = 9;
inline constexpr Dimension kDimEthertype = 10;
inline constexpr Dimension kDimProto = 11;
inline constexpr Dimension kDimPcp = 12;
inline constexpr Dimension kDimDscp = 13;
inline constexpr Dimension kDimFamily = 14;
inline constexpr size_t kDimensions = 15;

struct Point {
  std::array<uint64_t, kDimensions> at;
  [[nodiscard]] uint64_t operator[](Dimension dimension) const { return at[dimension]; }
};

[[nodiscard]] Point point_of(const Headers& headers);

/// A closed interval in each dimension. Invariant: first <= last.
struct Box {
  std::array<uint64_t, kDimensions> first{};
  std::array<uint64_t, kDimensions> last{};

  /// All of space.
  static Box everything();
  [[nodiscard]] bool overlaps(const Box& other) const;
  [[nodiscard]] bool contains(const Box& inner) const;
};

/// The smallest box around the frames that can exist in this one (see algebra.hpp); nothing when there are
/// none.
[[nodiscard]] std::optional<Box> tighten(const Box& box);

/// Points of a box that also fit MAC masks and a PCP set. A match is the union of its pieces, exactly.
struct Piece {
  Box box;
  MaskedMac eth_dst;
  MaskedMac eth_src;
  PcpSet pcp;
  ParseDepth depth = ParseDepth::l2;
  uint32_t entry = 0;  // whose piece it is
  SliceId slice;

  /// What the boxes leave open, for two pieces whose boxes overlap: whether masks and PCPs can agree.
  [[nodiscard]] bool agrees_with(const Piece& other) const;
};

/// The smallest box around all of them; an empty one, at the origin, where there are none.
[[nodiscard]] Box box_around(std::span<const Piece> pieces);

/// An address of this mask may differ from the value in the low bits only, so that the box says it all.
constexpr bool is_prefix_mask(uint64_t mask) {
  const uint64_t free = ~mask & 0xffff'ffff'ffff;
  return (free & (free + 1)) == 0;
}

/// Appends the pieces of a match: at most three, one for each address family, and none where the match is
/// empty.
///
/// Boxes are tight in the dimensions that the match's own parse depth can see, and unbounded in deeper ones:
/// a frame that was parsed no deeper than the match asks must still be found inside.
void append_pieces(const FlowspaceEntry& entry, uint32_t index, std::vector<Piece>& out);

}  // namespace bulkhead
