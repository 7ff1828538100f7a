// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "classifier/box.hpp"
#include "classifier/match.hpp"

/// The isolation proof: no frame may belong to two slices at once. Exact (see algebra.hpp), pure, callable
/// from any thread.
namespace bulkhead {

/// Two entries of different slices and equal precedence, and a frame that both match.
struct Overlap {
  uint32_t a = 0;  // indices into the entries given; a < b
  uint32_t b = 0;
  Headers witness;
};

/// At most one overlap for each pair of slices, and at most `limit` in all; none proves the entries disjoint.
/// In order of (a, b). About n log n where few entries overlap.
[[nodiscard]] std::vector<Overlap> find_overlaps(std::span<const FlowspaceEntry> entries, size_t limit);

/// Entries that were proved disjoint, kept so that one more is proved against them: it is compared only with
/// those that stand near one whose frames are near its own, which entries of one slice mostly are.
class ProvedEntries {
 public:
  explicit ProvedEntries(std::vector<FlowspaceEntry> entries);

  [[nodiscard]] std::span<const FlowspaceEntry> entries() const { return entries_; }

  /// The overlaps of one more entry: `a` is the index in entries(), `b` is entries().size(). At most one for
  /// each slice, and at most `limit`. Linear at worst.
  [[nodiscard]] std::vector<Overlap> find_overlaps_with(const FlowspaceEntry& added, size_t limit) const;

 private:
  std::vector<FlowspaceEntry> entries_;
  std::vector<Box> around_;  // each so many entries that follow each other
};

}  // namespace bulkhead
