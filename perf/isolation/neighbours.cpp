// SPDX-License-Identifier: Apache-2.0
#include "perf/isolation/attacks.hpp"
#include "perf/isolation/experiments.hpp"
#include "perf/isolation/victim.hpp"

namespace bulkhead::perf {

namespace {

/// `own_queues`: a NIC has put each slice's frames into a queue of its own before any is looked at.
void attack_victim(const Ground& ground, Attack attack, bool own_queues) {
  if (own_queues) attack.setup.own_queues = 1 + kAggressors;
  Bench bench(ground, attack.setup);
  bench.measure_to_departure();
  const auto residences = [&] {
    const auto buckets = bench.appliance().snapshot().slices.front().residence_buckets;
    return std::vector<uint64_t>(buckets.begin(), buckets.end());
  };
  VictimOptions options = victim_options(ground);
  options.workers = bench.appliance().worker_times();
  options.residences = residences;
  const Victim victim = measure_victim(bench.traffic(), attack.streams, options);
  print_victim(victim, attack.name, own_queues ? "own queues" : "");
}

}  // namespace

void neighbours(const Ground& ground) {
  for (const Attack& attack : attacks())
    for (const bool own_queues : {false, true}) attack_victim(ground, attack, own_queues);
}

}  // namespace bulkhead::perf
