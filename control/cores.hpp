// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "control/config.hpp"
#include "nic/error.hpp"

namespace bulkhead {

/// The cores that workers are pinned to, one each: as configured, else the last ones this process may use.
[[nodiscard]] Result<std::vector<uint32_t>> worker_cores(const ApplianceConfig& config);

/// Keeps the calling thread, and those that it starts from now on, off the workers' cores, where others are
/// left: a scrape must not cost a slice its time.
void leave_cores_to_workers(const std::vector<uint32_t>& workers);

}  // namespace bulkhead
