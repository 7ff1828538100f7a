// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "control/config.hpp"
#include "control/entitlement.hpp"
#include "shaper/priority.hpp"
#include "shaper/slice_output.hpp"

namespace bulkhead {

/// A slice's bandwidth, classes and queues at one port, as the data path wants them. `places`: packets that
/// may wait there.
[[nodiscard]] EgressPlan egress_plan(const SliceConfig& slice, const PortShare& share, uint32_t places);

/// [slice.priority] as the data path wants it.
[[nodiscard]] Priority::Rules priority_rules(const PriorityConfig& priority);

}  // namespace bulkhead
