// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "perf/isolation/traffic.hpp"

namespace bulkhead::perf {

/// How the first stream fares without the others and with them, one after the other.
struct Pair {
  Outcome alone;
  Outcome attacked;
  double residence_alone = 0;  // p99 in us, by the appliance's histograms; none from peers
  double residence = 0;
  double stolen_ms = 0;          // of the workers that tell it
  double generator_away_ms = 0;  // at a time, at most
  bool disturbed = false;        // by the machine, for longer than a device can bridge
  bool kept_up = true;
};

struct Victim {
  std::vector<Pair> calm;
  std::vector<Pair> disturbed;
};

struct VictimOptions {
  int times = 7;  // pairs, calm ones if they are to be had in twice as many
  RunTime time;
  std::span<const WorkerTime> workers;
  /// The victim's packets by residence (log2 of microseconds) up to now; nothing where the peer tells none.
  std::function<std::vector<uint64_t>()> residences;
};

/// Alone and attacked in turns, in one run of whoever is measured. Alone, the generator is just as busy, but
/// throws the others' frames away.
[[nodiscard]] Victim measure_victim(Traffic& traffic, std::vector<Stream> streams,
                                    const VictimOptions& options);

/// What the issue asks of a victim, row by row. `who`: the peer's name; empty: the appliance.
void print_victim(const Victim& victim, const std::string& attack, const std::string& who);

}  // namespace bulkhead::perf
