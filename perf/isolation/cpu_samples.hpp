// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "perf/isolation/bench.hpp"

namespace bulkhead::perf {

/// What each slice was charged with, read in regular steps while a bench runs. Lives as long as the runs.
class CpuSamples {
 public:
  /// `first`: seconds from now to the first sample; `step`: between the others.
  CpuSamples(Bench& bench, double first, double step);
  CpuSamples(const CpuSamples&) = delete;
  CpuSamples& operator=(const CpuSamples&) = delete;
  ~CpuSamples();

  /// The slice's part of one core, between each sample and the one `steps` later.
  [[nodiscard]] std::vector<double> shares(std::size_t slice, std::size_t steps = 1) const;
  /// Each slice's part of the core, from the first sample to the last.
  [[nodiscard]] std::vector<double> whole() const;

 private:
  struct Sample {
    double at;  // seconds
    std::vector<double> charged;
  };
  void look(Cycles now);

  Bench& bench_;
  double next_;
  double step_;
  std::vector<Sample> samples_;
};

/// How equal the values are: 1 where all are the same, 1/n where one has everything (Jain, 1984).
[[nodiscard]] double jain(const std::vector<double>& values);

}  // namespace bulkhead::perf
