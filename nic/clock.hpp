// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "nic/units.hpp"

namespace bulkhead {

/// The data path's clock: the constant-rate cycle counter that every core shares (x86 TSC, Arm CNTVCT).
/// Read at burst boundaries, never per packet. Any thread.
[[nodiscard]] Cycles clock_now();

/// Ticks a second. Requires: the EAL has started (it calibrates the counter).
[[nodiscard]] uint64_t clock_hz();

/// Requires: the EAL has started.
[[nodiscard]] Nanoseconds to_nanoseconds(Cycles time);

}  // namespace bulkhead
