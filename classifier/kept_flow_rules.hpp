// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <vector>

#include "classifier/box.hpp"
#include "classifier/entry_patterns.hpp"
#include "classifier/flow_rules.hpp"

namespace bulkhead {

/// A port's compiled flow rules, kept so that a change of few entries compiles those and what they cut, and
/// nothing else. Whatever the way to it, the result is that of compile_flow_rules. To copy it looks at no
/// entry: what neither of the two changes they share. One thread at a time, for all copies.
///
/// Entries rank by precedence, then by slice, then by their order within it.
class KeptFlowRules {
 public:
  KeptFlowRules(PortId port, const NicProfile& nic) : port_(port), nic_(&nic) {}

  /// Forgets what was, and compiles all of these. About n log n.
  void compile(std::span<const FlowspaceEntry> entries);

  /// The slice has these entries from now on, and no others; none takes it out. The entries that differ are
  /// those between what old and new have in common at either end. Linear in the slice's entries and in those
  /// of slices that changed entries come near; a change of very many compiles all.
  void set(SliceId slice, std::span<const FlowspaceEntry> entries);

  /// These are all entries from now on: as `set` for each slice whose entries differ, or as `compile` where
  /// much does. To find out is linear in the entries. Requires: the entries of a slice stand together.
  void update(std::span<const FlowspaceEntry> entries);

  /// The patterns of all slices that have entries at the port, by SliceId. A slice that a change did not
  /// touch is the same object before and after, but for one that does not fit into the NIC.
  [[nodiscard]] std::vector<std::shared_ptr<const SlicePatterns>> slices() const;

 private:
  /// Entries by rank, with what was made of each.
  struct Slice {
    std::vector<FlowspaceEntry> ranked;
    std::vector<EntryPatterns> compiled;
    std::vector<Piece> pieces;  // Piece::entry is the place in `ranked`
    Box around;                 // all pieces
    std::shared_ptr<const SlicePatterns> patterns;

    void measure();
  };
  struct Place {
    SliceId slice;
    uint32_t entry = 0;
    auto operator<=>(const Place&) const = default;
  };
  /// Which entries of a slice a change puts in place of which.
  struct Edit {
    SliceId slice;
    std::size_t begin = 0;
    std::vector<FlowspaceEntry> removed;
    std::size_t added = 0;
  };

  [[nodiscard]] std::vector<FlowspaceEntry> at_port(std::span<const FlowspaceEntry> entries) const;
  static bool wins(const FlowspaceEntry& a, std::size_t place_a, const FlowspaceEntry& b,
                   std::size_t place_b);
  /// For this object alone; a new one where there is none.
  Slice& writable(SliceId id);
  [[nodiscard]] bool has(SliceId id, std::span<const FlowspaceEntry> entries) const;
  bool change(SliceId id, std::span<const FlowspaceEntry> entries);
  Edit edit(SliceId id, std::vector<FlowspaceEntry> ranked);
  [[nodiscard]] std::vector<Place> affected_by(const Edit& change) const;
  void losers_to(const FlowspaceEntry& winner, uint32_t own_from, std::vector<Place>& out) const;
  [[nodiscard]] std::vector<const Match*> winners_over(Place place) const;
  void compile_all();
  void assemble(SliceId id, Slice& slice) const;
  template <class Found>
  void meet(std::span<const Piece> pieces, const Found& found) const;

  PortId port_;
  const NicProfile* nic_;
  std::map<SliceId, std::shared_ptr<Slice>> slices_;  // another's as well, until one writes to it
};

}  // namespace bulkhead
