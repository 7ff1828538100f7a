// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "nic/units.hpp"

namespace bulkhead {

/// The data path's clock: the constant-rate cycle counter that every core shares (x86 TSC, Arm CNTVCT).
/// Read at burst boundaries, never per packet. Any thread.
[[nodiscard]] Cycles clock_now();

/// Ticks a second, measured against the kernel's clock to some parts in a million. The first call takes 20
/// ms. Any thread.
[[nodiscard]] uint64_t clock_hz();

[[nodiscard]] Nanoseconds to_nanoseconds(Cycles time);
/// Rounded down; a negative time is none.
[[nodiscard]] Cycles to_cycles(Nanoseconds time);

/// How long the calling thread has run on a core, in all, as the kernel counts it.
[[nodiscard]] Nanoseconds thread_cpu_time();

}  // namespace bulkhead
