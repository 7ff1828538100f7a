// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "perf/isolation/bench.hpp"

namespace bulkhead::perf {

/// Eight slices, and what seven of them do to the first: the victim, VLAN 1, stays within its guarantee of 1
/// Gbit/s with frames of 256 bytes from p0 to p1; the aggressors, VLANs 2 to 8, offer ten times theirs.
struct Attack {
  std::string name;
  Bench::Setup setup;
  std::vector<Stream> streams;  // the victim's is the first
  uint64_t guarantee = 0;       // of an aggressor, bits a second
  bool learns = false;          // the aggressors' slices are switches
};

inline constexpr uint32_t kAggressors = 7;

/// Bandwidth, minimum-size, costly, flooding, malformed, new-addresses, bursts.
[[nodiscard]] std::vector<Attack> attacks();

}  // namespace bulkhead::perf
