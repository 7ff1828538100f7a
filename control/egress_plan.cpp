// SPDX-License-Identifier: Apache-2.0
#include "control/egress_plan.hpp"

namespace bulkhead {
namespace {

QueueLimit queue_limit(const ClassConfig& config) {
  if (config.queue_bytes) return QueueLimit::of_bytes(*config.queue_bytes);
  if (config.queue_packets) return QueueLimit::of_packets(*config.queue_packets);
  return QueueLimit::shared();
}

ClassRates class_rates(const ClassConfig& config) {
  const BitsPerSecond ceiling = config.ceiling.value_or(BitsPerSecond{0});
  return {.strict = config.strict,
          .rates = {.guarantee = config.guarantee.value_or(BitsPerSecond{0}),
                    .ceiling = ceiling,
                    .weight = config.weight.value_or(kDefaultClassWeight),
                    .burst = default_burst(ceiling)}};
}

}  // namespace

EgressPlan egress_plan(const SliceConfig& slice, const PortShare& share, uint32_t places) {
  const BitsPerSecond ceiling = share.ceiling.value_or(BitsPerSecond{0});
  EgressPlan plan{.rates = {.rates = {.guarantee = share.guarantee,
                                      .ceiling = ceiling,
                                      .weight = share.weight,
                                      .burst = share.burst.value_or(default_burst(ceiling))},
                            .class_count = 0,
                            .classes = {}},
                  .queues = {.class_of_pcp = {}, .limits = {}, .places = places}};
  for (const ClassConfig& config : classes_of(slice)) {
    const auto number = static_cast<uint8_t>(plan.rates.class_count++);
    plan.rates.classes[number] = class_rates(config);
    plan.queues.limits[number] = queue_limit(config);
    for (const uint8_t pcp : config.pcps) plan.queues.class_of_pcp[pcp] = number;
  }
  return plan;
}

Priority::Rules priority_rules(const PriorityConfig& priority) {
  return {.default_pcp = priority.default_pcp, .from_dscp = priority.from_dscp, .max = priority.max};
}

}  // namespace bulkhead
