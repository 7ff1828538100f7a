// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "nic/clock.hpp"
#include "perf/isolation/cpu_samples.hpp"
#include "perf/isolation/experiments.hpp"
#include "perf/isolation/report.hpp"

namespace bulkhead::perf {
namespace {

constexpr uint64_t kCost = 1000;
constexpr double kWarmUp = 0.2;

/// What the thief gets of the core beyond its half, in percent of the core, where it works for `on` of each
/// `period` and pauses when the account might be made.
double gain(const Ground& ground, double period, double on) {
  Bench bench(ground, {.slices = wire_slice("honest", 1) + wire_slice("thief", 2),
                       .speed = "100Gbps",
                       .costs = {kCost, kCost}});
  const double whole_core = static_cast<double>(clock_hz()) / kCost;
  std::vector<Stream> streams{
      {.headers = headers_of(1), .rate = whole_core},
      {.headers = headers_of(2), .rate = whole_core, .period = period, .on = on * period}};
  const double window = ground.seconds(1);
  const CpuSamples samples(bench, ground.seconds(kWarmUp), window * 0.98);
  (void)bench.run(streams, {.warm_up = ground.seconds(kWarmUp), .window = window});
  const std::vector<double> shares = samples.whole();
  return 100 * (shares[1] / (shares[0] + shares[1]) - 0.5);
}

}  // namespace

/// Xen's sampled account was robbed by guests that slept when the sample was taken. Here nothing is sampled;
/// the periods are those that an account could have: a visit, a round, the look at stolen time, a tick.
void theft(const Ground& ground) {
  const std::vector<double> periods =
      ground.quick ? std::vector{1000.0} : std::vector{5.0, 20.0, 1000.0, 10000.0};
  for (const double period_us : periods)
    for (const double on : {0.95, 0.5}) {
      std::vector<double> gains;
      for (int i = 0; i < ground.times(5); ++i) gains.push_back(gain(ground, period_us / 1e6, on));
      print({.experiment = "X7",
             .what = fmt::format("gain of a thief that works {} % of every {} us", 100 * on, period_us),
             .ours = median(gains),
             .unit = "% of a core",
             .asked = "at most 1",
             .met = median(gains) <= 1});
    }
}

}  // namespace bulkhead::perf
