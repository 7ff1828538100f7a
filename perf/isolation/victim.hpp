// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "perf/isolation/traffic.hpp"

namespace bulkhead::perf {

/// How the first stream fares without the others and with them. Values by run; times in microseconds.
struct Victim {
  std::vector<double> loss, loss_alone;                  // parts of what was sent
  std::vector<double> throughput;                        // attacked / alone
  std::vector<double> p99, p99_alone, p999, p999_alone;  // from sending to collecting
  std::vector<double> p99_ratio;
  std::vector<double> residence, residence_alone;  // p99 by the appliance's histograms; none from peers
  std::vector<double> at_device;                   // part of what was sent that found the device full
  double generator_away_ms = 0;
  double worker_away_ms = 0;
  bool kept_up = true;
};

struct VictimOptions {
  int times = 5;
  RunTime time;
  std::span<const WorkerTime> workers;
  /// The victim's packets by residence (log2 of microseconds) up to now; nothing where the peer tells none.
  std::function<std::vector<uint64_t>()> residences;
};

/// Alone and attacked in turns, in one run of whoever is measured. Alone, the generator is just as busy, but
/// throws the others' frames away.
[[nodiscard]] Victim measure_victim(Traffic& traffic, std::vector<Stream> streams, const VictimOptions& options);

/// What the issue asks of a victim, row by row. `who`: the peer's name; empty: the appliance.
void print_victim(const Victim& victim, const std::string& attack, const std::string& who);

}  // namespace bulkhead::perf
