// SPDX-License-Identifier: Apache-2.0
#include "classifier/overlap.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "classifier/algebra.hpp"
#include "classifier/fields.hpp"
#include "classifier/pair_search.hpp"

namespace bulkhead {
namespace {

using Which = std::span<const uint32_t>;

class Search {
 public:
  Search(std::span<const FlowspaceEntry> entries, size_t limit) : entries_(entries), limit_(limit) {
    pieces_.reserve(entries.size());
    for (size_t i = 0; i < entries.size(); ++i) append_pieces(entries[i], static_cast<uint32_t>(i), pieces_);
  }

  std::vector<Overlap> run() {
    std::vector<uint32_t> order(pieces_.size());
    for (uint32_t i = 0; i < order.size(); ++i) order[i] = i;
    const auto precedence = [&](uint32_t piece) { return entries_[pieces_[piece].entry].precedence; };
    std::ranges::sort(order, {}, [&](uint32_t piece) { return std::pair{precedence(piece), piece}; });
    PairSearch search(
        pieces_, [&](Which which) { return is_settled(which); },
        [&](const Piece& a, const Piece& b) { return compare(a, b); });
    for (size_t begin = 0; begin < order.size();) {
      size_t end = begin + 1;
      while (end < order.size() && precedence(order[end]) == precedence(order[begin])) ++end;
      search.run(Which{order}.subspan(begin, end - begin));
      begin = end;
    }
    std::ranges::sort(found_, {}, [](const Overlap& overlap) { return std::pair{overlap.a, overlap.b}; });
    return std::move(found_);
  }

 private:
  static constexpr size_t kFewSlices = 8;

  /// Enough was found; or all pieces are of one slice, or of few slices whose every pair is already known to
  /// overlap.
  [[nodiscard]] bool is_settled(Which which) const {
    if (found_.size() >= limit_) return true;
    std::array<SliceId, kFewSlices> slices;
    size_t count = 0;
    for (const uint32_t i : which) {
      const SliceId slice = pieces_[i].slice;
      if (std::find(slices.begin(), slices.begin() + count, slice) != slices.begin() + count) continue;
      for (size_t n = 0; n < count; ++n) {
        if (!known(slices[n], slice)) return false;
      }
      if (count == kFewSlices) return false;
      slices[count++] = slice;
    }
    return true;
  }

  bool compare(const Piece& a, const Piece& b) {
    if (a.slice == b.slice || !a.box.overlaps(b.box) || !a.agrees_with(b) || known(a.slice, b.slice))
      return false;
    if (found_.size() >= limit_) return false;
    const auto both = intersect(entries_[a.entry].match, entries_[b.entry].match);
    if (!both) return false;
    known_.insert(std::minmax(a.slice, b.slice));
    found_.push_back({std::min(a.entry, b.entry), std::max(a.entry, b.entry), *witness(*both)});
    return true;
  }

  [[nodiscard]] bool known(SliceId a, SliceId b) const { return known_.contains(std::minmax(a, b)); }

  std::span<const FlowspaceEntry> entries_;
  size_t limit_;
  std::vector<Piece> pieces_;
  std::set<std::pair<SliceId, SliceId>> known_;
  std::vector<Overlap> found_;
};

/// A bit for each address family, and one for none, that frames of the match can have. Together with the
/// fields' own sets it tells nearly all entries apart that have nothing in common; `intersect` decides the
/// rest.
unsigned families_of(const Match& m) {
  const bool ip_only = !m.ip_proto.matches(Headers::kNoIpProto) || !m.dscp.matches(Headers::kNoDscp) ||
                       !m.l4_src.matches(Headers::kNoL4Port) || !m.l4_dst.matches(Headers::kNoL4Port);
  const bool none = m.ip_src.absent && m.ip_dst.absent && !ip_only;
  const bool v4 = m.ip_src.v4 && m.ip_dst.v4 && m.ethertype.matches(kEthertypeIpv4);
  const bool v6 = m.ip_src.v6 && m.ip_dst.v6 && m.ethertype.matches(kEthertypeIpv6);
  return (none ? 1u : 0u) | (v4 ? 2u : 0u) | (v6 ? 4u : 0u);
}

bool may_overlap(const Match& a, const Match& b) {
  return fields::for_each_field([](const auto& x, const auto& y) { return fields::meets(x, y); },
                                fields::of_match(a), fields::of_match(b));
}

constexpr size_t kTogether = 64;

std::span<const FlowspaceEntry> together(std::span<const FlowspaceEntry> entries, size_t begin) {
  return entries.subspan(begin, std::min(kTogether, entries.size() - begin));
}

}  // namespace

std::vector<Overlap> find_overlaps(std::span<const FlowspaceEntry> entries, size_t limit) {
  return Search{entries, limit}.run();
}

ProvedEntries::ProvedEntries(std::vector<FlowspaceEntry> entries) : entries_(std::move(entries)) {
  std::vector<Piece> pieces;
  for (size_t begin = 0; begin < entries_.size(); begin += kTogether) {
    pieces.clear();
    for (const FlowspaceEntry& entry : together(entries_, begin)) append_pieces(entry, 0, pieces);
    around_.push_back(box_around(pieces));
  }
}

std::vector<Overlap> ProvedEntries::find_overlaps_with(const FlowspaceEntry& added, size_t limit) const {
  std::vector<Overlap> found;
  std::set<SliceId> known;
  std::vector<Piece> pieces;
  append_pieces(added, 0, pieces);
  const unsigned families = families_of(added.match);
  for (size_t group = 0; group < around_.size(); ++group) {
    if (std::ranges::none_of(pieces, [&](const Piece& piece) { return piece.box.overlaps(around_[group]); }))
      continue;
    for (const FlowspaceEntry& other : together(entries_, group * kTogether)) {
      if (found.size() >= limit) return found;
      if (other.slice == added.slice || other.precedence != added.precedence) continue;
      if (!may_overlap(other.match, added.match) || (families_of(other.match) & families) == 0) continue;
      if (known.contains(other.slice)) continue;
      const auto both = intersect(other.match, added.match);
      if (!both) continue;
      known.insert(other.slice);
      found.push_back({static_cast<uint32_t>(&other - entries_.data()),
                       static_cast<uint32_t>(entries_.size()), *witness(*both)});
    }
  }
  return found;
}

}  // namespace bulkhead
