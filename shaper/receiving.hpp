// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "shaper/cpu_meter.hpp"
#include "shaper/layout.hpp"

namespace bulkhead {

/// What a worker receives in one round.
struct ReceivingLimits {
  bool overload = false;  // the last round ended with work left: what is not received now may be lost
  Cycles longest;         // in overload, all ports together
};

/// Takes what came by the ports' queues that are everybody's, and sorts it into the slices' inputs. Ports and
/// queues that another worker is receiving from are left to it. The meter's time moves on; the slices are
/// charged for their packets. Returns how many packets came. A worker's thread.
[[nodiscard]] uint32_t receive_shared(const Layout& layout, CpuMeter& meter, const ReceivingLimits& limits);

}  // namespace bulkhead
