// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "nic/worker_thread.hpp"
#include "perf/isolation/experiments.hpp"
#include "perf/isolation/replay.hpp"

namespace {

using bulkhead::perf::Ground;

struct Experiment {
  std::string_view name;
  void (*run)(const Ground&);
};

constexpr std::array<Experiment, 12> kExperiments{{{"X1", bulkhead::perf::growth},
                                                   {"X2", bulkhead::perf::equal_shares},
                                                   {"X3", bulkhead::perf::unequal_costs},
                                                   {"X4", bulkhead::perf::weights},
                                                   {"X5", bulkhead::perf::cap},
                                                   {"X6", bulkhead::perf::neighbours},
                                                   {"X7", bulkhead::perf::theft},
                                                   {"X8", bulkhead::perf::explosion},
                                                   {"X9", bulkhead::perf::second_worker},
                                                   {"X9", bulkhead::perf::moves},
                                                   {"X10", bulkhead::perf::reloads},
                                                   {"X11", bulkhead::perf::updates}}};

}  // namespace

/// usage: isolation_bench [--quick] [X1 ...]
///        isolation_bench [--quick] --peer sched | --peer NAME SOCKET ATTACK QUEUES | --peer explosion SOCKET
///        isolation_bench --config ATTACK SOCKET | --policing ATTACK | --capture FILE
int main(int count, char** values) {
  using namespace bulkhead::perf;
  std::vector<std::string> arguments(values + 1, values + count);
  const bool quick = std::erase(arguments, "--quick") > 0;
  arguments.resize(std::max<std::size_t>(arguments.size(), 1));
  const auto is = [&](std::string_view option, std::size_t with) {
    return arguments.front() == option && arguments.size() == with + 1;
  };
  if (is("--config", 2)) return print_attack(arguments[1], arguments[2]), 0;
  if (is("--capture", 1)) return Replay::write_capture(arguments[1], 8), 0;
  if (is("--policing", 1)) return print_policing(arguments[1]), 0;
  if (bulkhead::usable_cores().size() < 2)
    give_up("two cores are needed, one for a worker and one for the generator", 77);
  if (arguments.front() == "--peer") {
    Ground ground(quick, bulkhead::Bytes{16u << 20});
    if (is("--peer", 1) && arguments[1] == "sched") return sched_peer(ground), 0;
    if (is("--peer", 4))
      return memif_peer(ground, arguments[1], arguments[2], arguments[3],
                        static_cast<uint16_t>(std::stoul(arguments[4]))),
             0;
    if (is("--peer", 2) && arguments[1] == "explosion")
      return explosion_peer(ground, arguments[2], ground.seconds(4)), 0;
    give_up("--peer takes sched, or a name, a socket, an attack and the queues", 64);
  }
  const Ground ground(quick);
  for (const Experiment& experiment : kExperiments)
    if (arguments.front().empty() || std::ranges::find(arguments, experiment.name) != arguments.end())
      experiment.run(ground);
}
