// SPDX-License-Identifier: Apache-2.0
#include "perf/isolation/cpu_samples.hpp"

#include "nic/clock.hpp"

namespace bulkhead::perf {
namespace {

double seconds(Cycles time) { return static_cast<double>(time.count()) / static_cast<double>(clock_hz()); }

}  // namespace

CpuSamples::CpuSamples(Bench& bench, double first, double step)
    : bench_(bench), next_(seconds(clock_now()) + first), step_(step) {
  bench_.traffic().each_round = [this](Cycles now) { look(now); };
}

CpuSamples::~CpuSamples() { bench_.traffic().each_round = nullptr; }

void CpuSamples::look(Cycles now) {
  if (seconds(now) < next_) return;
  samples_.push_back({.at = seconds(clock_now()), .charged = cpu_seconds(bench_.appliance().snapshot())});
  next_ += step_;
}

std::vector<double> CpuSamples::shares(std::size_t slice, std::size_t steps) const {
  std::vector<double> shares;
  for (std::size_t i = 0; i + steps < samples_.size(); i += steps) {
    const Sample& from = samples_[i];
    const Sample& to = samples_[i + steps];
    shares.push_back((to.charged[slice] - from.charged[slice]) / (to.at - from.at));
  }
  return shares;
}

std::vector<double> CpuSamples::whole() const {
  std::vector<double> shares;
  if (samples_.size() < 2) return shares;
  for (std::size_t slice = 0; slice < samples_.front().charged.size(); ++slice)
    shares.push_back(this->shares(slice, samples_.size() - 1).front());
  return shares;
}

double jain(const std::vector<double>& values) {
  double sum = 0;
  double squares = 0;
  for (const double value : values) {
    sum += value;
    squares += value * value;
  }
  return squares == 0 ? 0 : sum * sum / (static_cast<double>(values.size()) * squares);
}

}  // namespace bulkhead::perf
