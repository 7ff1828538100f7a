// SPDX-License-Identifier: Apache-2.0
#include "nic/clock.hpp"

#include <rte_cycles.h>

namespace bulkhead {

Cycles clock_now() { return Cycles{rte_get_tsc_cycles()}; }

uint64_t clock_hz() { return rte_get_tsc_hz(); }

}  // namespace bulkhead
