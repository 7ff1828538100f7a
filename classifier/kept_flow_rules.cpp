// SPDX-License-Identifier: Apache-2.0
#include "classifier/kept_flow_rules.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "classifier/pair_search.hpp"
#include "classifier/rule_room.hpp"

namespace bulkhead {

/// Whether the entry of this slice and precedence takes frames from the other, where they have any in common.
/// Slices of equal precedence have none.
bool KeptFlowRules::wins(const FlowspaceEntry& a, std::size_t place_a, const FlowspaceEntry& b,
                         std::size_t place_b) {
  return a.slice == b.slice ? place_a < place_b : a.precedence > b.precedence;
}

void KeptFlowRules::Slice::measure() {
  pieces.clear();
  for (std::size_t i = 0; i < ranked.size(); ++i) append_pieces(ranked[i], static_cast<uint32_t>(i), pieces);
  around = box_around(pieces);
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
  slices_.clear();
  for (const FlowspaceEntry& entry : at_port(entries)) writable(entry.slice).ranked.push_back(entry);
  compile_all();
}

KeptFlowRules::Slice& KeptFlowRules::writable(SliceId id) {
  std::shared_ptr<Slice>& slice = slices_[id];
  if (!slice)
    slice = std::make_shared<Slice>();
  else if (slice.use_count() > 1)
    slice = std::make_shared<Slice>(*slice);
  return *slice;
}

void KeptFlowRules::compile_all() {
  if (nic_->most_rules == 0) {
    for (const auto& [id, slice] : slices_) assemble(id, writable(id));
    return;
  }
  std::vector<Place> places;
  std::vector<Piece> pieces;
  for (const auto& [id, shared] : slices_) {
    Slice& slice = writable(id);
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
    for (const FlowspaceEntry& entry : slice->ranked) entries.push_back(&entry);
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
  for (const auto& [id, slice] : slices_) {
    for (const FlowspaceEntry& entry : slice->ranked) {
      std::vector<uint32_t>& of = before[number++];
      std::ranges::sort(of, {}, [&](uint32_t i) { return std::pair{-int64_t{entries[i]->precedence}, i}; });
      std::vector<const Match*> winners;
      for (const uint32_t i : of) winners.push_back(&entries[i]->match);
      slice->compiled.push_back(entry_patterns(entry.match, winners, *nic_));
    }
    assemble(id, *slice);
  }
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
    out.push_back(slice->patterns);
    patterns.emplace_back(slice->patterns->patterns);
  }
  const std::vector<std::string> misfits = find_misfits(patterns, *nic_);
  for (std::size_t i = 0; i < out.size(); ++i)
    if (!out[i]->is_software() && !misfits[i].empty())
      out[i] = std::make_shared<const SlicePatterns>(
          SlicePatterns{.slice = out[i]->slice, .patterns = {}, .left_out = {}, .why_software = misfits[i]});
  return out;
}

}  // namespace bulkhead
