// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <filesystem>

#include "perf/isolation/experiments.hpp"
#include "perf/isolation/replay.hpp"
#include "perf/isolation/report.hpp"

namespace bulkhead::perf {

/// Every round measures one slice again beside the others, so that a machine that slows down slows all.
void growth(const Ground& ground) {
  const std::vector<uint32_t> counts =
      ground.quick ? std::vector<uint32_t>{1, 64}
                   : std::vector<uint32_t>{1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024};
  for (const uint32_t run : ground.quick ? std::vector{8u} : std::vector{8u, 1u}) {
    const Replay replay(1, run);
    std::vector<std::vector<double>> ratios(counts.size());
    std::vector<std::vector<double>> rates(counts.size());
    for (int round = 0; round < ground.times(3); ++round) {
      double alone = 0;
      for (std::size_t i = 0; i < counts.size(); ++i) {
        const double rate = replay.rate(ground, counts[i], 1, 0.3);
        if (i == 0) alone = rate;
        rates[i].push_back(rate);
        ratios[i].push_back(rate / alone);
      }
    }
    for (std::size_t i = 1; i < counts.size(); ++i)
      print(
          {.experiment = "X1",
           .what = fmt::format("aggregate rate with {} slices, {} frames of a VLAN in a row", counts[i], run),
           .ours = median(rates[i]) / 1e6,
           .unit = "Mpps",
           .beside = "one slice",
           .theirs = median(rates[0]) / 1e6,
           .asked = "at least 0.95 of one slice",
           .met = median(ratios[i]) >= 0.95,
           .note = fmt::format("median ratio {:.3f}", median(ratios[i]))});
  }
}

}  // namespace bulkhead::perf
