// SPDX-License-Identifier: Apache-2.0
// What a change of entries touches of the rules that are kept.
#include <algorithm>
#include <set>
#include <tuple>
#include <utility>

#include "classifier/kept_flow_rules.hpp"

namespace bulkhead {
namespace {

/// Each of these looks at the entries near it; of more, a search among all costs less.
constexpr std::size_t kMostEdits = 128;

bool is_same(const FlowspaceEntry& a, const FlowspaceEntry& b) {
  return a.precedence == b.precedence && a.match == b.match;
}

std::vector<Piece> pieces_of(const FlowspaceEntry& entry) {
  std::vector<Piece> pieces;
  append_pieces(entry, 0, pieces);
  return pieces;
}

}  // namespace

void KeptFlowRules::set(SliceId slice, std::span<const FlowspaceEntry> entries) {
  if (!change(slice, entries)) compile_all();
}

void KeptFlowRules::update(std::span<const FlowspaceEntry> entries) {
  std::vector<std::span<const FlowspaceEntry>> changed;
  std::set<SliceId> gone;
  for (const auto& [id, slice] : slices_) gone.insert(id);
  for (auto begin = entries.begin(); begin != entries.end();) {
    const SliceId id = begin->slice;
    const auto end = std::find_if(begin, entries.end(), [&](const auto& entry) { return entry.slice != id; });
    gone.erase(id);
    if (!has(id, {begin, end})) changed.emplace_back(begin, end);
    begin = end;
  }
  if (changed.size() + gone.size() > kMostEdits) return compile(entries);
  bool few = true;
  for (const SliceId id : gone) few = few && change(id, {});
  for (const auto& of : changed) few = few && change(of.front().slice, of);
  if (!few) compile(entries);
}

/// Whether these are the slice's entries already. False also where they only rank otherwise than they stand.
bool KeptFlowRules::has(SliceId id, std::span<const FlowspaceEntry> entries) const {
  static const std::vector<FlowspaceEntry> none;
  const auto slice = slices_.find(id);
  const std::vector<FlowspaceEntry>& ranked = slice == slices_.end() ? none : slice->second->ranked;
  const auto here = Interval<kMaxPorts - 1>::exactly(port_.value());
  const auto stands = [&](const FlowspaceEntry& kept, const FlowspaceEntry& entry) {
    // Most are for one port, and there may be many.
    if (entry.match.port == here) return is_same(kept, entry);
    FlowspaceEntry at_port = entry;
    at_port.match.port = here;
    return is_same(kept, at_port);
  };
  auto kept = ranked.begin();
  for (const FlowspaceEntry& entry : entries) {
    if (!entry.match.port.matches(port_.value())) continue;
    if (kept == ranked.end() || !stands(*kept, entry)) return false;
    ++kept;
  }
  return kept == ranked.end();
}

/// As `set`; false where so much changes that all has yet to be compiled.
bool KeptFlowRules::change(SliceId id, std::span<const FlowspaceEntry> entries) {
  const Edit change = edit(id, at_port(entries));
  if (change.removed.empty() && change.added == 0) return true;
  const bool is_empty = slices_.at(id)->ranked.empty();
  if (nic_->most_rules == 0) {
    if (is_empty)
      slices_.erase(id);
    else
      assemble(id, writable(id));
    return true;
  }
  writable(id).measure();
  const bool few = change.removed.size() + change.added <= kMostEdits;
  const std::vector<Place> affected = few ? affected_by(change) : std::vector<Place>{};
  if (is_empty) slices_.erase(id);
  if (!few || affected.size() > kMostEdits) return false;
  std::set<SliceId> touched;
  if (!is_empty) touched.insert(id);
  for (const Place& place : affected) {
    Slice& of = writable(place.slice);
    of.compiled[place.entry] = entry_patterns(of.ranked[place.entry].match, winners_over(place), *nic_);
    touched.insert(place.slice);
  }
  for (const SliceId of : touched) assemble(of, writable(of));
  return true;
}

/// Puts the new entries in place of those that they differ from; what was made of the others stays.
KeptFlowRules::Edit KeptFlowRules::edit(SliceId id, std::vector<FlowspaceEntry> ranked) {
  if (ranked.empty() && !slices_.contains(id)) return {.slice = id, .removed = {}};
  Slice& slice = writable(id);
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
  const std::vector<FlowspaceEntry>& ranked = slices_.at(change.slice)->ranked;
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
      if (slice->pieces.empty() || !slice->around.overlaps(piece.box)) continue;
      for (const Piece& other : slice->pieces)
        if (piece.box.overlaps(other.box) && piece.agrees_with(other)) found(id, *slice, other.entry);
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
  const FlowspaceEntry& loser = slices_.at(place.slice)->ranked[place.entry];
  std::set<std::tuple<int64_t, SliceId, uint32_t>> ranks;
  meet(pieces_of(loser), [&](SliceId id, const Slice& slice, uint32_t entry) {
    if (wins(slice.ranked[entry], entry, loser, place.entry))
      ranks.insert({-int64_t{slice.ranked[entry].precedence}, id, entry});
  });
  std::vector<const Match*> winners;
  for (const auto& [rank, id, entry] : ranks) winners.push_back(&slices_.at(id)->ranked[entry].match);
  return winners;
}

}  // namespace bulkhead
