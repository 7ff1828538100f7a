// SPDX-License-Identifier: Apache-2.0
#include "tests/shaper/fluid_model.hpp"

#include <algorithm>
#include <numeric>

namespace bulkhead::test {
namespace {

constexpr double kNothing = 1e-6;  // bytes, or bytes a second

double bytes_a_second(BitsPerSecond rate) { return static_cast<double>(rate.count()) / 8; }

}  // namespace

FluidModel::FluidModel(double speed, const std::vector<SliceRates>& slices) : speed_(speed) {
  for (const SliceRates& rates : slices) {
    Slice slice{.own = flow_of(rates.rates), .classes = {}};
    for (std::size_t i = 0; i < rates.class_count; ++i) {
      slice.classes.push_back(flow_of(rates.classes[i].rates));
      slice.classes.back().strict = rates.classes[i].strict;
    }
    slices_.push_back(std::move(slice));
  }
}

FluidModel::Flow FluidModel::flow_of(const Rates& rates) const {
  const double ceiling = bytes_a_second(rates.ceiling);
  Flow flow;
  flow.guarantee = bytes_a_second(rates.guarantee);
  flow.weight = rates.weight;
  flow.ceiling = ceiling;
  flow.capped = ceiling > 0 && ceiling < speed_;
  flow.credit = flow.burst = static_cast<double>(rates.burst.count());
  return flow;
}

void FluidModel::arrive(std::size_t slice, std::size_t number, double bytes) {
  slices_[slice].classes[number].backlog += bytes;
}

double FluidModel::served(std::size_t slice) const {
  const auto& classes = slices_[slice].classes;
  return std::accumulate(classes.begin(), classes.end(), 0.0,
                         [](double sum, const Flow& each) { return sum + each.served; });
}

double FluidModel::backlog(std::size_t slice) const {
  const auto& classes = slices_[slice].classes;
  return std::accumulate(classes.begin(), classes.end(), 0.0,
                         [](double sum, const Flow& each) { return sum + each.backlog; });
}

double FluidModel::rate() {
  set_rates();
  double sum = 0;
  for (const Slice& slice : slices_) sum += slice.own.rate;
  return sum;
}

/// Divides a rate by the rule: guarantees, then the remainder by weight, round after round for those who are
/// not at their limits yet.
void FluidModel::divide(double rate, const std::vector<Flow*>& flows) {
  double guaranteed = 0;
  for (Flow* flow : flows) guaranteed += flow->rate = std::min(flow->guarantee, flow->limit);
  // Within a slice strict classes may have left less than the guarantees.
  if (guaranteed > rate)
    for (Flow* flow : flows) flow->rate *= rate / guaranteed;
  double left = rate - guaranteed;
  std::vector<Flow*> hungry = flows;
  while (left > kNothing) {
    std::erase_if(hungry, [](const Flow* flow) { return flow->limit - flow->rate <= kNothing; });
    double weights = 0;
    for (const Flow* flow : hungry) weights += flow->weight;
    if (hungry.empty()) return;
    double level = left / weights;  // bytes a second for each unit of weight, until someone is full
    for (const Flow* flow : hungry) level = std::min(level, (flow->limit - flow->rate) / flow->weight);
    for (Flow* flow : hungry) flow->rate += level * flow->weight;
    left -= level * weights;
  }
}

void FluidModel::divide_slice(Slice& slice) {
  double left = slice.own.rate;
  std::vector<Flow*> weighted;
  for (Flow& each : slice.classes) {
    if (!each.strict) {
      weighted.push_back(&each);
      continue;
    }
    each.rate = std::min(left, each.limit);
    left -= each.rate;
  }
  divide(left, weighted);
}

void FluidModel::set_rates() {
  const double unlimited = 10 * speed_;
  const auto limit_of = [&](const Flow& flow) {
    return flow.capped && flow.credit <= kNothing ? flow.ceiling : unlimited;
  };
  std::vector<Flow*> flows;
  for (Slice& slice : slices_) {
    double demand = 0;
    for (Flow& each : slice.classes) demand += each.limit = each.backlog > 0 ? limit_of(each) : 0;
    slice.own.limit = std::min(demand, limit_of(slice.own));
    flows.push_back(&slice.own);
  }
  divide(speed_, flows);
  for (Slice& slice : slices_) divide_slice(slice);
}

double FluidModel::time_to_change(double most) const {
  double time = most;
  const auto until_credit_ends = [&](const Flow& flow) {
    if (flow.capped && flow.credit > 0 && flow.rate > flow.ceiling)
      time = std::min(time, flow.credit / (flow.rate - flow.ceiling));
  };
  for (const Slice& slice : slices_) {
    until_credit_ends(slice.own);
    for (const Flow& each : slice.classes) {
      until_credit_ends(each);
      if (each.rate > 0) time = std::min(time, each.backlog / each.rate);
    }
  }
  return time;
}

void FluidModel::flow(double seconds) {
  const auto refill = [&](Flow& flow) {
    flow.credit = std::clamp(flow.credit + (flow.ceiling - flow.rate) * seconds, 0.0, flow.burst);
    if (flow.credit <= kNothing) flow.credit = 0;
  };
  for (Slice& slice : slices_) {
    refill(slice.own);
    for (Flow& each : slice.classes) {
      refill(each);
      const double bytes = std::min(each.backlog, each.rate * seconds);
      each.served += bytes;
      each.backlog -= bytes;
      if (each.backlog > kNothing) continue;
      each.served += each.backlog;
      each.backlog = 0;
    }
  }
}

void FluidModel::advance(double seconds) {
  while (seconds > 0) {
    set_rates();
    const double step = std::max(time_to_change(seconds), 1e-15);
    flow(step);
    seconds -= step;
  }
}

}  // namespace bulkhead::test
