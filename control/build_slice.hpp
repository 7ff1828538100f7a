// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>

#include "control/config.hpp"
#include "shaper/slice_runtime.hpp"

namespace bulkhead {

/// Makes a configured slice ready to be visited. `queue_capacity`: packets in each of its queues; `limits`:
/// what its ports can send, by PortId.
[[nodiscard]] std::shared_ptr<SliceRuntime> build_slice(const SliceConfig& config, uint32_t queue_capacity,
                                                        const std::function<EgressLimits(PortId)>& limits);

}  // namespace bulkhead
