// SPDX-License-Identifier: Apache-2.0
#include "control/cores.hpp"

#include <fmt/format.h>
#include <sched.h>

#include <algorithm>

#include "control/entitlement.hpp"
#include "nic/worker_thread.hpp"

namespace bulkhead {

Result<std::vector<uint32_t>> worker_cores(const ApplianceConfig& config) {
  const std::vector<uint32_t> usable = usable_cores();
  if (config.cores) {
    for (const uint32_t core : *config.cores)
      if (!std::ranges::binary_search(usable, core))
        return fail(
            fmt::format("[appliance] cores: core {} is not one this process may use; the last one is {}",
                        core, usable.back()));
    return *config.cores;
  }
  const uint32_t workers = config.workers.value_or(default_workers());
  if (workers > usable.size())
    return fail(fmt::format(
        "[appliance] workers: {} workers need as many cores, this process may use {}; lower workers", workers,
        usable.size()));
  return std::vector<uint32_t>(usable.end() - workers, usable.end());
}

void leave_cores_to_workers(const std::vector<uint32_t>& workers) {
  cpu_set_t set;
  CPU_ZERO(&set);
  for (const uint32_t core : usable_cores())
    if (std::ranges::find(workers, core) == workers.end()) CPU_SET(core, &set);
  // With no core left over, control and workers share them.
  if (CPU_COUNT(&set) > 0) sched_setaffinity(0, sizeof set, &set);
}

}  // namespace bulkhead
