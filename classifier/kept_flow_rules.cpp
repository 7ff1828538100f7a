// SPDX-License-Identifier: Apache-2.0
#include "classifier/kept_flow_rules.hpp"

#include <algorithm>
#include <set>
#include <string>
#include <tuple>
#include <utility>

#include "classifier/pair_search.hpp"
#include "classifier/rule_room.hpp"

namespace bulkhead {
namespace {

/// Each of these looks at the entries near it; of more, a search among all costs less.
constexpr std::size_t kMostEdits = 128;

bool is_same(const FlowspaceEntry& a, const FlowspaceEntry& b) {
  return a.precedence == b.precedence && a.match == b.match;
}

/// Whether the entry of this slice and precedence takes frames from the other, where they have any in common.
/// Slices of equal precedence have none.
bool wins(const FlowspaceEntry& a, std::size_t place_a, const FlowspaceEntry& b, std::size_t place_b) {
  return a.slice == b.slice ? place_a < place_b : a.precedence > b.precedence;
}

std::vector<Piece> pieces_of(const FlowspaceEntry& entry) {
  std::vector<Piece> pieces;
  append_pieces(entry, 0, pieces);
  return pieces;
}

}  // namespace

void KeptFlowRules::Slice::measure() {
  pieces.clear();
  for (std::size_t i = 0; i < ranked.size(); ++i) append_pieces(ranked[i], static_cast<uint32_t>(i), pieces);
  if (pieces.empty()) return;
  around = pieces.front().box;
  for (const Piece& piece : pieces)
    for (std::size_t d = 0; d < kDimensions; ++d) {
      around.first[d] = std::min(around.first[d], piece.box.first[d]);
      around.last[d] = std::max(around.last[d], piece.box.last[d]);
    }
}

/// Those at the port, as far as they are there, that win first: what is left elsewhere does not matter here.
std::vector<FlowspaceEntry> KeptFlowRules::at_port(std::span<const FlowspaceEntry> entries) const {
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < entries.size(); ++i)
    if (entries[i].match.port.matches(port_.value())) order.push_back(i);
  std::ranges::sort(order, {}, [&](std::size_t i) { return std::pair{-int64_t{entries[i].precedence}, i}; });
  std::vector<FlowspaceEntry> ranked;
  ranked.reserve(order.size());
  for (const std::size_t i : order)
    ranked.emplace_back(entries[i]).match.port = Interval<kMaxPorts - 1>::exactly(port_.value());
  return ranked;
}

void KeptFlowRules::compile(std::span<const FlowspaceEntry> entries) {
  std::map<SliceId, Slice> slices;
  for (const FlowspaceEntry& entry : at_port(entries)) slices[entry.slice].ranked.push_back(entry);
  compile_all(std::move(slices));
}

void KeptFlowRules::compile_all(std::map<SliceId, Slice> slices) {
  slices_ = std::move(slices);
  if (nic_->most_rules == 0) {
    for (auto& [id, slice] : slices_) assemble(id, slice);
    return;
  }
  std::vector<Place> places;
  std::vector<Piece> pieces;
  for (auto& [id, slice] : slices_) {
    slice.measure();
    slice.compiled.clear();
    for (Piece piece : slice.pieces) {
      piece.entry += static_cast<uint32_t>(places.size());
      pieces.push_back(piece);
    }
    for (uint32_t i = 0; i < slice.ranked.size(); ++i) places.push_back({id, i});
  }
  std::vector<const FlowspaceEntry*> entries;
  entries.reserve(places.size());
  for (const auto& [id, slice] : slices_)
    for (const FlowspaceEntry& entry : slice.ranked) entries.push_back(&entry);
  std::vector<std::vector<uint32_t>> before(places.size());
  const auto note = [&](uint32_t winner, uint32_t loser) {
    if (!wins(*entries[winner], places[winner].entry, *entries[loser], places[loser].entry)) return;
    std::vector<uint32_t>& of = before[loser];
    // One more than are allowed is enough to know.
    if (of.size() <= kMostCuts && std::ranges::find(of, winner) == of.end()) of.push_back(winner);
  };
  std::vector<uint32_t> all(pieces.size());
  for (uint32_t i = 0; i < all.size(); ++i) all[i] = i;
  PairSearch(
      std::span<const Piece>(pieces), [](std::span<const uint32_t> which) { return which.size() < 2; },
      [&](const Piece& a, const Piece& b) {
        if (!a.box.overlaps(b.box) || !a.agrees_with(b)) return false;
        note(a.entry, b.entry);
        note(b.entry, a.entry);
        return false;
      })
      .run(all);
  std::size_t number = 0;
  for (auto& [id, slice] : slices_) {
    for (const FlowspaceEntry& entry : slice.ranked) {
      std::vector<uint32_t>& of = before[number++];
      std::ranges::sort(of, {}, [&](uint32_t i) { return std::pair{-int64_t{entries[i]->precedence}, i}; });
      std::vector<const Match*> winners;
      for (const uint32_t i : of) winners.push_back(&entries[i]->match);
      slice.compiled.push_back(entry_patterns(entry.match, winners, *nic_));
    }
    assemble(id, slice);
  }
}

void KeptFlowRules::set(SliceId slice, std::span<const FlowspaceEntry> entries) {
  const Edit change = edit(slice, at_port(entries));
  const auto found = slices_.find(slice);
  if (found == slices_.end()) return;
  if (nic_->most_rules == 0) {
    if (found->second.ranked.empty())
      slices_.erase(found);
    else
      assemble(slice, found->second);
    return;
  }
  if (change.removed.empty() && change.added == 0) return;
  found->second.measure();
  const bool few = change.removed.size() + change.added <= kMostEdits;
  const std::vector<Place> affected = few ? affected_by(change) : std::vector<Place>{};
  if (found->second.ranked.empty()) slices_.erase(found);
  if (!few || affected.size() > kMostEdits) {
    return compile_all(std::move(slices_));
  }
  std::set<SliceId> touched;
  if (slices_.contains(slice)) touched.insert(slice);
  for (const Place& place : affected) {
    Slice& of = slices_.at(place.slice);
    of.compiled[place.entry] = entry_patterns(of.ranked[place.entry].match, winners_over(place), *nic_);
    touched.insert(place.slice);
  }
  for (const SliceId id : touched) assemble(id, slices_.at(id));
}

/// Puts the new entries in place of those that they differ from; what was made of the others stays.
KeptFlowRules::Edit KeptFlowRules::edit(SliceId id, std::vector<FlowspaceEntry> ranked) {
  if (ranked.empty() && !slices_.contains(id)) return {.slice = id, .removed = {}};
  Slice& slice = slices_[id];
  const auto begin = static_cast<std::size_t>(std::ranges::mismatch(slice.ranked, ranked, is_same).in1 -
                                              slice.ranked.begin());
  std::size_t old_end = slice.ranked.size();
  std::size_t new_end = ranked.size();
  for (; old_end > begin && new_end > begin && is_same(slice.ranked[old_end - 1], ranked[new_end - 1]);
       --old_end)
    --new_end;
  const auto at = [](auto& vector, std::size_t place) {
    return vector.begin() + static_cast<std::ptrdiff_t>(place);
  };
  Edit change{.slice = id,
              .begin = begin,
              .removed = {at(slice.ranked, begin), at(slice.ranked, old_end)},
              .added = new_end - begin};
  if (nic_->most_rules > 0) {
    slice.compiled.erase(at(slice.compiled, begin), at(slice.compiled, old_end));
    slice.compiled.insert(at(slice.compiled, begin), change.added, EntryPatterns{});
  }
  slice.ranked = std::move(ranked);
  return change;
}

/// The entries that were added, and those that lose other frames than before, each once.
std::vector<KeptFlowRules::Place> KeptFlowRules::affected_by(const Edit& change) const {
  std::vector<Place> affected;
  const std::vector<FlowspaceEntry>& ranked = slices_.at(change.slice).ranked;
  for (std::size_t i = change.begin; i < change.begin + change.added; ++i) {
    affected.push_back({change.slice, static_cast<uint32_t>(i)});
    losers_to(ranked[i], static_cast<uint32_t>(i + 1), affected);
  }
  for (const FlowspaceEntry& removed : change.removed)
    losers_to(removed, static_cast<uint32_t>(change.begin + change.added), affected);
  std::ranges::sort(affected);
  affected.erase(std::ranges::unique(affected).begin(), affected.end());
  return affected;
}

/// Calls `found(slice, entry)` for all that have frames in common with the pieces, some more than once.
template <class Found>
void KeptFlowRules::meet(std::span<const Piece> pieces, const Found& found) const {
  for (const auto& [id, slice] : slices_)
    for (const Piece& piece : pieces) {
      if (slice.pieces.empty() || !slice.around.overlaps(piece.box)) continue;
      for (const Piece& other : slice.pieces)
        if (piece.box.overlaps(other.box) && piece.agrees_with(other)) found(id, slice, other.entry);
    }
}

void KeptFlowRules::losers_to(const FlowspaceEntry& winner, uint32_t own_from,
                              std::vector<Place>& out) const {
  meet(pieces_of(winner), [&](SliceId id, const Slice& slice, uint32_t entry) {
    const bool loses =
        id == winner.slice ? entry >= own_from : winner.precedence > slice.ranked[entry].precedence;
    if (loses) out.push_back({id, entry});
  });
}

/// By rank; more than kMostCuts are as good as any other number above it.
std::vector<const Match*> KeptFlowRules::winners_over(Place place) const {
  const FlowspaceEntry& loser = slices_.at(place.slice).ranked[place.entry];
  std::set<std::tuple<int64_t, SliceId, uint32_t>> ranks;
  meet(pieces_of(loser), [&](SliceId id, const Slice& slice, uint32_t entry) {
    if (wins(slice.ranked[entry], entry, loser, place.entry))
      ranks.insert({-int64_t{slice.ranked[entry].precedence}, id, entry});
  });
  std::vector<const Match*> winners;
  for (const auto& [rank, id, entry] : ranks) winners.push_back(&slices_.at(id).ranked[entry].match);
  return winners;
}

void KeptFlowRules::assemble(SliceId id, Slice& slice) const {
  SlicePatterns out;
  out.slice = id;
  if (nic_->most_rules == 0) out.why_software = std::string(kTakesNoFlowRules);
  for (const EntryPatterns& entry : slice.compiled) {
    if (!entry.why_software.empty()) {
      out = {.slice = id, .patterns = {}, .left_out = {}, .why_software = entry.why_software};
      break;
    }
    out.patterns.insert(out.patterns.end(), entry.patterns.begin(), entry.patterns.end());
    if (out.left_out.empty()) out.left_out = entry.left_out;
  }
  if (!out.is_software() && out.patterns.empty())
    out = {.slice = id,
           .patterns = {},
           .left_out = {},
           .why_software = "entries of higher precedence have all of its frames"};
  slice.patterns = std::make_shared<const SlicePatterns>(std::move(out));
}

std::vector<std::shared_ptr<const SlicePatterns>> KeptFlowRules::slices() const {
  std::vector<std::shared_ptr<const SlicePatterns>> out;
  std::vector<std::span<const FlowPattern>> patterns;
  for (const auto& [id, slice] : slices_) {
    out.push_back(slice.patterns);
    patterns.emplace_back(slice.patterns->patterns);
  }
  const std::vector<std::string> misfits = find_misfits(patterns, *nic_);
  for (std::size_t i = 0; i < out.size(); ++i)
    if (!out[i]->is_software() && !misfits[i].empty())
      out[i] = std::make_shared<const SlicePatterns>(
          SlicePatterns{.slice = out[i]->slice, .patterns = {}, .left_out = {}, .why_software = misfits[i]});
  return out;
}

}  // namespace bulkhead
