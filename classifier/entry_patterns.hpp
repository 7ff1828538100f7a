// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <vector>

#include "classifier/flow_patterns.hpp"

namespace bulkhead {

/// What a NIC can do for one entry of a slice.
struct EntryPatterns {
  std::vector<FlowPattern> patterns;
  std::string left_out;
  std::string why_software;  // not empty: nothing can be done, and this is why
};

/// The patterns of what the entries that come before leave of a match. `before`: those that have frames in
/// common with it, in order of rank, or kMostCuts + 1 of them. Pure; any thread.
[[nodiscard]] EntryPatterns entry_patterns(const Match& match, std::span<const Match* const> before,
                                           const NicProfile& nic);

}  // namespace bulkhead
