// SPDX-License-Identifier: Apache-2.0
#include "nic/clock.hpp"

#include <algorithm>
#include <cstdint>

#include <rte_cycles.h>

namespace bulkhead {

Cycles clock_now() { return Cycles{rte_get_tsc_cycles()}; }

uint64_t clock_hz() { return rte_get_tsc_hz(); }

Nanoseconds to_nanoseconds(Cycles time) {
  const auto wide = static_cast<unsigned __int128>(time.count()) * 1'000'000'000 / clock_hz();
  return Nanoseconds{static_cast<int64_t>(std::min<unsigned __int128>(wide, INT64_MAX))};
}

}  // namespace bulkhead
