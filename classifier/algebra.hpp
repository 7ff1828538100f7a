// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <vector>

#include "classifier/headers_text.hpp"
#include "classifier/match.hpp"
#include "classifier/parser.hpp"

/// Set algebra on flowspaces. Pure functions, exact, callable from any thread.
///
/// The universe is the frames that can exist, as `parse` sees them at depth l4. Fields depend on each other
/// there: PCP goes with a tag, addresses with their ethertype, both addresses are of one family, L4 ports go
/// with TCP, UDP or SCTP. A Match that only unrealisable combinations satisfy (an IPv4 address under an ARP
/// ethertype) is empty, and two Matches are alike when they differ in such combinations only.
namespace bulkhead {

[[nodiscard]] bool matches(const Match& match, const Headers& headers);

/// No frame can match.
[[nodiscard]] bool is_empty(const Match& match);

/// What both match; nothing when no frame can match both.
[[nodiscard]] std::optional<Match> intersect(const Match& a, const Match& b);

/// Every frame that matches `inner` matches `outer`.
[[nodiscard]] bool contains(const Match& outer, const Match& inner);

/// What matches `from` and not `what`, as disjoint matches, none of them empty.
[[nodiscard]] std::vector<Match> subtract(const Match& from, const Match& what);

/// A frame that matches, as ordinary as the match allows: untagged before tagged, UDP before anything else,
/// first host addresses, unicast MAC addresses. Nothing when the match is empty.
[[nodiscard]] std::optional<Headers> witness(const Match& match);

/// How far a frame must be parsed to decide the match.
[[nodiscard]] ParseDepth depth_of(const Match& match);

}  // namespace bulkhead
