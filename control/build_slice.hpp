// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "control/config.hpp"
#include "control/entitlement.hpp"
#include "control/memory_plan.hpp"
#include "shaper/slice_runtime.hpp"

namespace bulkhead {

/// Puts something around a slice's forwarding model. For tests and benchmarks: no configuration asks for it.
using ModelDecorator =
    std::function<std::unique_ptr<ForwardingModel>(const SliceConfig&, std::unique_ptr<ForwardingModel>)>;

/// What a slice's surroundings give it.
struct SlicePlace {
  QueuePlan queues;
  std::vector<PortShare> shares;               // in the order of SliceConfig::ports()
  std::function<EgressLimits(PortId)> limits;  // what the ports can send
  ModelDecorator decorate = nullptr;           // nothing: the model as it is
};

/// The slice's flowspace at one of its ports.
[[nodiscard]] std::vector<Match> entries_at(const SliceConfig& config, PortId port);

/// Makes a configured slice ready to be visited.
[[nodiscard]] std::shared_ptr<SliceRuntime> build_slice(const SliceConfig& config, const SlicePlace& place);

}  // namespace bulkhead
