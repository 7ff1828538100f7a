// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "nic/worker_thread.hpp"
#include "perf/isolation/experiments.hpp"

namespace {

using bulkhead::perf::Ground;

struct Experiment {
  std::string_view name;
  void (*run)(const Ground&);
};

constexpr std::array<Experiment, 9> kExperiments{{{"X1", bulkhead::perf::growth},
                                                  {"X2", bulkhead::perf::equal_shares},
                                                  {"X3", bulkhead::perf::unequal_costs},
                                                  {"X4", bulkhead::perf::weights},
                                                  {"X5", bulkhead::perf::cap},
                                                  {"X6", bulkhead::perf::neighbours},
                                                  {"X7", bulkhead::perf::theft},
                                                  {"X9", bulkhead::perf::second_worker},
                                                  {"X9", bulkhead::perf::moves}}};

}  // namespace

/// usage: isolation_bench [--quick] [X1 ...]
int main(int count, char** values) {
  const std::vector<std::string_view> arguments(values + 1, values + count);
  const bool quick = std::ranges::find(arguments, "--quick") != arguments.end();
  const bool all = std::ranges::none_of(arguments, [](std::string_view each) { return each.starts_with("X"); });
  if (bulkhead::usable_cores().size() < 2)
    bulkhead::perf::give_up("two cores are needed, one for a worker and one for the generator", 77);
  const Ground ground(quick);
  for (const Experiment& experiment : kExperiments)
    if (all || std::ranges::find(arguments, experiment.name) != arguments.end()) experiment.run(ground);
}
