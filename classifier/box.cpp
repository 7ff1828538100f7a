// SPDX-License-Identifier: Apache-2.0
#include "classifier/box.hpp"

#include <algorithm>
#include <bit>

#include "classifier/algebra.hpp"
#include "classifier/universe.hpp"

namespace bulkhead {
namespace {

using Family = IpAddress::Family;

constexpr uint64_t kMax = std::numeric_limits<uint64_t>::max();
constexpr uint64_t kMacBits = 0xffff'ffff'ffff;

struct Halves {
  uint64_t high = 0;
  uint64_t low = 0;
};

Halves halves(const IpAddress& address) {
  switch (address.family) {
    case Family::v4:
      return {load_be32(address.bytes.data()), 0};
    case Family::v6:
      return {load_be64(address.bytes.data()), load_be64(address.bytes.data() + 8)};
    default:
      return {};
  }
}

ParseDepth depth_of(size_t dimension) {
  switch (dimension) {
    case kDimL4Src:
    case kDimL4Dst:
      return ParseDepth::l4;
    case kDimVlan:
    case kDimPort:
    case kDimEthDst:
    case kDimEthSrc:
    case kDimEthertype:
    case kDimPcp:
      return ParseDepth::l2;
    default:
      return ParseDepth::l3;
  }
}

template <uint32_t kLast>
void set(Box& box, Dimension dimension, const Interval<kLast>& interval) {
  box.first[dimension] = interval.first;
  box.last[dimension] = interval.last;
}

void set(Box& box, Dimension dimension, const MaskedMac& mac) {
  box.first[dimension] = mac.value;
  box.last[dimension] = mac.value | (~mac.mask & kMacBits);
}

/// The `free` low bits of a half are the prefix's to choose.
void set_half(Box& box, Dimension dimension, uint64_t value, unsigned free) {
  box.first[dimension] = value;
  box.last[dimension] = value | (free >= 64 ? kMax : (uint64_t{1} << free) - 1);
}

void set_address(Box& box, Dimension high, Dimension low, Family family, const IpSet& set) {
  if (family == Family::absent) {
    set_half(box, high, 0, 0);
    set_half(box, low, 0, 0);
    return;
  }
  const bool v4 = family == Family::v4;
  const IpPrefix& prefix = v4 ? *set.v4 : *set.v6;
  const Halves value = halves({family, prefix.bytes});
  const unsigned free = (v4 ? 32u : 128u) - prefix.length;
  if (v4) {
    set_half(box, high, value.high, free);
    set_half(box, low, 0, 0);
  } else {
    set_half(box, high, value.high, free > 64 ? free - 64 : 0);
    set_half(box, low, value.low, free);
  }
}

bool has(const IpSet& set, Family family) {
  if (family == Family::absent) return set.absent;
  return family == Family::v4 ? set.v4.has_value() : set.v6.has_value();
}

Box box_without_addresses(const Match& match) {
  Box box = Box::everything();
  set(box, kDimVlan, match.vlan);
  set(box, kDimPort, match.port);
  set(box, kDimL4Dst, match.l4_dst);
  set(box, kDimL4Src, match.l4_src);
  set(box, kDimEthDst, match.eth_dst);
  set(box, kDimEthSrc, match.eth_src);
  set(box, kDimEthertype, match.ethertype);
  set(box, kDimProto, match.ip_proto);
  set(box, kDimDscp, match.dscp);
  box.first[kDimPcp] = uint64_t{match.pcp.bits} & -uint64_t{match.pcp.bits};
  box.last[kDimPcp] = std::bit_floor(uint64_t{match.pcp.bits});
  return box;
}

void set_addresses(Box& box, Family family, const Match& match) {
  box.first[kDimFamily] = box.last[kDimFamily] = static_cast<uint64_t>(family);
  set_address(box, kDimSrcHigh, kDimSrcLow, family, match.ip_src);
  set_address(box, kDimDstHigh, kDimDstLow, family, match.ip_dst);
}

bool is_valid(const Box& box) {
  for (size_t d = 0; d < kDimensions; ++d) {
    if (box.first[d] > box.last[d]) return false;
  }
  return true;
}

/// The shapes of algebra.hpp as boxes: each is of one family.
std::vector<Box> shape_boxes() {
  std::vector<Box> out;
  for (const Shape& shape : universe()) {
    Box box = box_without_addresses(shape.match);
    set_addresses(box, shape.natural.ip_src.family, shape.match);
    out.push_back(box);
  }
  return out;
}

}  // namespace

Point point_of(const Headers& headers) {
  const Halves src = halves(headers.ip_src);
  const Halves dst = halves(headers.ip_dst);
  Point point;
  point.at[kDimVlan] = headers.vlan.number();
  point.at[kDimPort] = headers.port.value();
  point.at[kDimDstHigh] = dst.high;
  point.at[kDimSrcHigh] = src.high;
  point.at[kDimDstLow] = dst.low;
  point.at[kDimSrcLow] = src.low;
  point.at[kDimL4Dst] = headers.l4_dst;
  point.at[kDimL4Src] = headers.l4_src;
  point.at[kDimEthDst] = headers.eth_dst.bits();
  point.at[kDimEthSrc] = headers.eth_src.bits();
  point.at[kDimEthertype] = headers.ethertype;
  point.at[kDimProto] = headers.ip_proto;
  point.at[kDimPcp] = uint64_t{1} << headers.pcp;
  point.at[kDimDscp] = headers.dscp;
  point.at[kDimFamily] = static_cast<uint64_t>(headers.ip_src.family);
  return point;
}

Box Box::everything() {
  Box box;
  box.last.fill(kMax);
  return box;
}

bool Box::overlaps(const Box& other) const {
  for (size_t d = 0; d < kDimensions; ++d) {
    if (last[d] < other.first[d] || other.last[d] < first[d]) return false;
  }
  return true;
}

bool Box::contains(const Box& inner) const {
  for (size_t d = 0; d < kDimensions; ++d) {
    if (inner.first[d] < first[d] || last[d] < inner.last[d]) return false;
  }
  return true;
}

std::optional<Box> tighten(const Box& box) {
  static const std::vector<Box> shapes = shape_boxes();
  Box hull;
  hull.first.fill(kMax);
  bool found = false;
  for (const Box& shape : shapes) {
    if (!shape.overlaps(box)) continue;
    found = true;
    for (size_t d = 0; d < kDimensions; ++d) {
      hull.first[d] = std::min(hull.first[d], std::max(box.first[d], shape.first[d]));
      hull.last[d] = std::max(hull.last[d], std::min(box.last[d], shape.last[d]));
    }
  }
  return found ? std::optional{hull} : std::nullopt;
}

Box box_around(std::span<const Piece> pieces) {
  if (pieces.empty()) return {};
  Box around = pieces.front().box;
  for (const Piece& piece : pieces)
    for (size_t d = 0; d < kDimensions; ++d) {
      around.first[d] = std::min(around.first[d], piece.box.first[d]);
      around.last[d] = std::max(around.last[d], piece.box.last[d]);
    }
  return around;
}

bool Piece::agrees_with(const Piece& other) const {
  return (pcp.bits & other.pcp.bits) != 0 &&
         ((eth_dst.value ^ other.eth_dst.value) & eth_dst.mask & other.eth_dst.mask) == 0 &&
         ((eth_src.value ^ other.eth_src.value) & eth_src.mask & other.eth_src.mask) == 0;
}

void append_pieces(const FlowspaceEntry& entry, uint32_t index, std::vector<Piece>& out) {
  const Match& match = entry.match;
  if (match.pcp.bits == 0) return;
  Piece piece{Box{}, match.eth_dst, match.eth_src, match.pcp, depth_of(match), index, entry.slice};
  const auto append = [&](const Box& loose) {
    const auto tight = is_valid(loose) ? tighten(loose) : std::nullopt;
    if (!tight) return;
    piece.box = *tight;
    for (size_t d = 0; d < kDimensions; ++d) {
      if (depth_of(d) <= piece.depth) continue;
      piece.box.first[d] = 0;
      piece.box.last[d] = kMax;
    }
    out.push_back(piece);
  };
  const Box box = box_without_addresses(match);
  if (match.ip_src.is_any() && match.ip_dst.is_any()) return append(box);
  for (const Family family : {Family::absent, Family::v4, Family::v6}) {
    if (!has(match.ip_src, family) || !has(match.ip_dst, family)) continue;
    Box of_family = box;
    set_addresses(of_family, family, match);
    append(of_family);
  }
}

}  // namespace bulkhead
