// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "classifier/match.hpp"
#include "nic/flow_rule.hpp"
#include "nic/nic_profile.hpp"

namespace bulkhead {

/// A flowspace match as patterns for a NIC. Whatever frame a NIC of the profile takes for one of `patterns`
/// matches: no pattern is wider than the match. The reverse does not hold. Frames of some rare kinds no
/// pattern names (a second tag, IPv6 extension headers, fragments without L4 header, untagged frames that are
/// neither IP nor ARP): they come by the shared queue.
struct FlowPatterns {
  std::vector<FlowPattern> patterns;  // disjoint
  std::string left_out;               // what else comes by the shared queue, or empty
};

/// Most patterns for one match. More are not worth their place in a NIC's table.
inline constexpr size_t kMostFlowPatterns = 64;

/// Why a NIC without rules has none.
inline constexpr std::string_view kTakesNoFlowRules = "its driver takes no flow rules";

/// The patterns of a match, whose port is not looked at; or, in words that follow "because", why a NIC of
/// this profile cannot have them. Pure; any thread.
[[nodiscard]] std::expected<FlowPatterns, std::string> flow_patterns(const Match& match,
                                                                     const NicProfile& nic);

}  // namespace bulkhead
