// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <cstdio>

#include "perf/isolation/attacks.hpp"
#include "perf/isolation/experiments.hpp"
#include "perf/isolation/memif.hpp"
#include "perf/isolation/sched_end.hpp"
#include "perf/isolation/victim.hpp"

namespace bulkhead::perf {
namespace {

Attack attack_named(const std::string& name) {
  for (Attack& each : attacks())
    if (each.name == name) return std::move(each);
  give_up("there is no attack called " + name);
}

}  // namespace

void memif_peer(Ground& ground, const std::string& who, const std::string& socket, const std::string& attack,
                uint16_t queues) {
  const Attack chosen = attack_named(attack);
  std::vector<std::unique_ptr<FarEnd>> ends;
  for (std::size_t port = 0; port < chosen.setup.ports; ++port)
    ends.push_back(connected(port, socket, ground.pool, queues));
  Traffic traffic(std::move(ends), ground.pool);
  print_victim(measure_victim(traffic, chosen.streams, victim_options(ground)), attack, who);
}

void sched_peer(Ground& ground) {
  constexpr uint64_t kPortRate = 10'000'000'000;
  const Attack chosen = attack_named("bandwidth");
  const auto sched = std::make_shared<Sched>(1 + kAggressors, kPortRate, kPortRate / (1 + kAggressors));
  std::vector<std::unique_ptr<FarEnd>> ends;
  ends.push_back(std::make_unique<SchedIn>(sched));
  ends.push_back(std::make_unique<SchedOut>(sched));
  Traffic traffic(std::move(ends), ground.pool);
  print_victim(measure_victim(traffic, chosen.streams, victim_options(ground)), chosen.name,
               "rte_sched on the generator's core");
}

void print_attack(const std::string& attack, const std::string& socket) {
  const Attack chosen = attack_named(attack);
  for (std::size_t port = 0; port < chosen.setup.ports; ++port)
    std::printf(
        "[[port]]\nname = \"p%zu\"\ndevice = "
        "\"net_memif%zu,role=server,id=%zu,socket=%s-%zu,rsize=12\"\nspeed = \"%s\"\n",
        port, port, port, socket.c_str(), port, chosen.setup.speed.c_str());
  std::fputs(chosen.setup.slices.c_str(), stdout);
}

void print_policing(const std::string& attack) {
  const Attack chosen = attack_named(attack);
  const uint64_t length = chosen.streams.back().length;
  std::printf(
      "%zu %d %lu\n", chosen.setup.ports, chosen.learns ? 1 : 0,
      static_cast<unsigned long>(chosen.guarantee * length / (length + kWireOverhead.count()) / 1000));
}

}  // namespace bulkhead::perf
