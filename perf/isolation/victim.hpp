// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "perf/isolation/bench.hpp"
#include "perf/isolation/traffic.hpp"

namespace bulkhead::perf {

/// How the first stream fared in one run.
struct Run {
  Outcome outcome;
  double residence = 0;  // p99 in us, by the appliance's histogram; none from peers
  double disturbance_ms =
      0;  // what the machine is known to have taken: from workers that tell, and the generator
  bool kept_up = true;
};

/// The runs that the machine disturbed least: without the others, and with them.
struct Victim {
  std::vector<Run> alone;
  std::vector<Run> attacked;
  std::size_t runs = 0;  // of each kind, of which these are the calmest
};

struct VictimOptions {
  std::size_t runs = 1;  // of each kind
  std::size_t kept = 1;  // of these, the calmest
  RunTime time{.warm_up = 0.05, .window = 0.005};
  std::span<const WorkerTime> workers{};
  /// The victim's packets by residence (log2 of microseconds) up to now; nothing where the peer tells none.
  std::function<std::vector<uint64_t>()> residences{};
};

[[nodiscard]] inline VictimOptions victim_options(const Ground& ground) {
  return {.runs = ground.quick ? 1u : 90u, .kept = 15};
}

/// Alone and attacked in turns, while whoever is measured goes on running. The windows are short, so that the
/// machine leaves some of them alone. Without the others, the generator is just as busy, but throws their
/// frames away.
[[nodiscard]] Victim measure_victim(Traffic& traffic, std::vector<Stream> streams,
                                    const VictimOptions& options);

/// What the issue asks of a victim, row by row. `who`: the peer's name; empty: the appliance.
void print_victim(const Victim& victim, const std::string& attack, const std::string& who);

}  // namespace bulkhead::perf
