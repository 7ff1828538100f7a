// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "nic/clock.hpp"
#include "perf/isolation/cpu_samples.hpp"
#include "perf/isolation/experiments.hpp"
#include "perf/isolation/report.hpp"

namespace bulkhead::perf {
namespace {

constexpr double kWarmUp = 0.3;
constexpr double kMoreThanFair = 2;  // every slice is offered so many times what its share can do

struct Contender {
  uint64_t cost = 1000;  // cycles a packet
  uint32_t weight = 256;
};

struct Shares {
  std::vector<double> cpu;      // of the core
  std::vector<double> packets;  // a second
  bool kept_up = true;
};

/// All slices have more to do than one worker can.
Shares contend(const Ground& ground, const std::vector<Contender>& contenders) {
  Bench::Setup setup{.slices = "", .speed = "100Gbps"};
  std::vector<Stream> streams;
  double weights = 0;
  for (const Contender& each : contenders) weights += each.weight;
  for (std::size_t i = 0; i < contenders.size(); ++i) {
    const Contender& each = contenders[i];
    const auto vlan = static_cast<uint32_t>(i + 1);
    setup.slices +=
        wire_slice(fmt::format("s{}", i), vlan, fmt::format("cpu = {{ weight = {} }}\n", each.weight));
    setup.costs.push_back(each.cost);
    const double fair =
        static_cast<double>(clock_hz()) * each.weight / weights / static_cast<double>(each.cost);
    streams.push_back({.headers = headers_of(vlan), .rate = kMoreThanFair * fair});
  }
  Bench bench(ground, setup);
  const double window = ground.seconds(1);
  const CpuSamples samples(bench, ground.seconds(kWarmUp), window * 0.98);
  const Measured measured = bench.run(streams, {.warm_up = ground.seconds(kWarmUp), .window = window});
  Shares shares{.cpu = samples.whole(), .packets = {}, .kept_up = measured.kept_up()};
  for (const Outcome& outcome : measured.streams) shares.packets.push_back(outcome.arrivals_per_second());
  return shares;
}

std::string keeping_up(const Shares& shares) {
  return shares.kept_up ? "" : "the generator sent less than planned";
}

/// The share that is furthest from what the weights say, in percent of the shares' sum.
double furthest(const std::vector<double>& shares, const std::vector<Contender>& contenders) {
  const double sum = std::accumulate(shares.begin(), shares.end(), 0.0);
  double weights = 0;
  for (const Contender& each : contenders) weights += each.weight;
  double most = 0;
  for (std::size_t i = 0; i < shares.size(); ++i)
    most = std::max(most, std::abs(shares[i] / sum - contenders[i].weight / weights));
  return 100 * most;
}

std::vector<double> times_cost(std::vector<double> packets, const std::vector<Contender>& contenders) {
  for (std::size_t i = 0; i < packets.size(); ++i) packets[i] *= static_cast<double>(contenders[i].cost);
  return packets;
}

void contest(const Ground& ground, const std::string& experiment, const std::string& what,
             const std::vector<Contender>& contenders) {
  std::vector<double> cpu;
  std::vector<double> work;
  std::string note;
  for (int i = 0; i < ground.times(5); ++i) {
    const Shares shares = contend(ground, contenders);
    cpu.push_back(furthest(shares.cpu, contenders));
    work.push_back(furthest(times_cost(shares.packets, contenders), contenders));
    note = keeping_up(shares);
  }
  print({.experiment = experiment,
         .what = what + ": CPU share furthest from its part",
         .ours = median(cpu),
         .unit = "% of the sum",
         .asked = "at most 1",
         .met = median(cpu) <= 1,
         .note = note});
  print({.experiment = experiment,
         .what = what + ": packets times cost, furthest from its part",
         .ours = median(work),
         .unit = "% of the sum",
         .asked = "packets follow cost",
         .note = note});
}

/// One slice with a cap, offered twice what it may do, on a box with nothing else to do.
/// `own_queue`: a NIC has put the frames into a queue of the slice's own.
void capped(const Ground& ground, uint32_t burst, bool own_queue) {
  constexpr double kCap = 25;
  constexpr uint64_t kCost = 1000;
  Bench bench(ground, {.slices = wire_slice("capped", 1, "cpu = { cap = \"25%\" }\n"),
                       .speed = "100Gbps",
                       .costs = {kCost},
                       .own_queues = static_cast<uint16_t>(own_queue ? 1 : 0)});
  const double fair = static_cast<double>(clock_hz()) * kCap / 100 / kCost;
  const std::vector<Stream> streams{{.headers = headers_of(1), .rate = kMoreThanFair * fair, .burst = burst}};
  const double window = ground.quick ? 0.45 : 10.5;
  const CpuSamples samples(bench, ground.seconds(kWarmUp), ground.seconds(0.1));
  const Measured measured = bench.run(streams, {.warm_up = ground.seconds(kWarmUp), .window = window});
  const double work =
      measured.streams.front().arrivals_per_second() * kCost / static_cast<double>(clock_hz());
  for (const auto& [steps, most] : {std::pair{ground.quick ? 3u : 10u, 1.0}, std::pair{1u, 3.0}}) {
    double off = 0;
    const std::vector<double> shares = samples.shares(0, steps);
    for (const double share : shares) off = std::max(off, std::abs(100 * share - kCap));
    print({.experiment = "X5",
           .what = fmt::format("cap of 25 % on an idle box, {}frames come {} at once: furthest in {}",
                               own_queue ? "own queue, " : "", burst, steps > 1 ? "1 s" : "100 ms"),
           .ours = off,
           .unit = "% of a core",
           .asked = fmt::format("at most {}", most),
           .met = off <= most,
           .note = fmt::format("median share {:.2f} %, of that {:.2f} % in forwarding", 100 * median(shares),
                               100 * work)});
  }
}

}  // namespace

void equal_shares(const Ground& ground) {
  const std::vector<Contender> contenders(16);
  std::vector<double> packets;
  std::vector<double> cpu;
  std::string note;
  for (int i = 0; i < ground.times(5); ++i) {
    const Shares shares = contend(ground, contenders);
    packets.push_back(jain(shares.packets));
    cpu.push_back(jain(shares.cpu));
    note = keeping_up(shares);
  }
  for (const auto& [what, values] : {std::pair{"packets", packets}, std::pair{"CPU", cpu}})
    print({.experiment = "X2",
           .what = fmt::format("Jain's index of {}, 16 equal slices", what),
           .ours = median(values),
           .unit = "",
           .asked = "at least 0.999",
           .met = median(values) >= 0.999,
           .note = note});
}

void unequal_costs(const Ground& ground) {
  contest(ground, "X3", "equal weights, cost 1:2:4:8",
          {{.cost = 1000}, {.cost = 2000}, {.cost = 4000}, {.cost = 8000}});
}

void weights(const Ground& ground) {
  contest(ground, "X4", "weights 1:2:4", {{.weight = 128}, {.weight = 256}, {.weight = 512}});
}

void cap(const Ground& ground) {
  for (const bool own_queue : {false, true})
    for (const uint32_t burst : {1u, 32u}) capped(ground, burst, own_queue);
}

}  // namespace bulkhead::perf
