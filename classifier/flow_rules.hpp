// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "classifier/flow_patterns.hpp"

namespace bulkhead {

/// What a NIC at a port can do for one slice.
struct SlicePatterns {
  SliceId slice;
  std::vector<FlowPattern> patterns;  // disjoint, among themselves and from every other slice's
  std::string left_out;               // what of its flowspace comes by the shared queue besides rare frames
  std::string why_software;           // not empty: nothing can be done, and this is why

  [[nodiscard]] bool is_software() const { return !why_software.empty(); }
  bool operator==(const SlicePatterns&) const = default;
};

/// An entry is cut by at most so many others that come before it: more, and its slice is left to software.
inline constexpr std::size_t kMostCuts = 32;
/// What is left of an entry then is at most so many matches.
inline constexpr std::size_t kMostRemainders = 16;

/// The patterns of all slices that have entries at the port, by SliceId. Where entries overlap, a pattern has
/// only what the slice wins: those of higher precedence, and its own that come before, are subtracted.
/// Expects the entries of different slices and equal precedence to be disjoint (see overlap.hpp). A slice is
/// left to software as a whole where one of its entries is refused, or its patterns do not fit beside those
/// of the slices before it. Pure; any thread; about n log n. Where few entries change, see
/// kept_flow_rules.hpp.
[[nodiscard]] std::vector<SlicePatterns> compile_flow_rules(std::span<const FlowspaceEntry> entries,
                                                            PortId port, const NicProfile& nic);

}  // namespace bulkhead
