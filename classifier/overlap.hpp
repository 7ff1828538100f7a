// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

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

/// The overlaps of one more entry with `existing`: `a` is the index in `existing`, `b` is existing.size().
/// At most one for each slice, and at most `limit`. Linear.
[[nodiscard]] std::vector<Overlap> find_overlaps_with(const FlowspaceEntry& added,
                                                      std::span<const FlowspaceEntry> existing, size_t limit);

}  // namespace bulkhead
