// SPDX-License-Identifier: Apache-2.0
#include "nic/worker_thread.hpp"

#include <fmt/format.h>
#include <pthread.h>
#include <rte_errno.h>
#include <rte_lcore.h>
#include <rte_mempool.h>
#include <sched.h>

#include <cstring>

namespace bulkhead {
namespace {

// Unregistering leaves the thread's packet caches full, and the packets in them out of everyone's reach.
void flush_cache(rte_mempool* pool, void*) {
  rte_mempool_cache* cache = rte_mempool_default_cache(pool, rte_lcore_id());
  if (cache != nullptr) rte_mempool_cache_flush(cache, pool);
}

}  // namespace

Result<WorkerThread> WorkerThread::enter(std::optional<uint32_t> core) {
  if (core) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(*core, &set);
    if (const int error = pthread_setaffinity_np(pthread_self(), sizeof set, &set); error != 0)
      return fail(
          fmt::format("worker: cannot be pinned to core {} ({}); name a core of this machine in "
                      "[appliance] cores",
                      *core, std::strerror(error)));
  }
  if (rte_thread_register() != 0)
    return fail(fmt::format("worker: DPDK takes no further thread ({}); lower [appliance] workers",
                            rte_strerror(rte_errno)));
  return WorkerThread();
}

WorkerThread::~WorkerThread() {
  if (!entered_) return;
  rte_mempool_walk(&flush_cache, nullptr);
  rte_thread_unregister();
}

std::vector<uint32_t> usable_cores() {
  cpu_set_t set;
  std::vector<uint32_t> cores;
  if (sched_getaffinity(0, sizeof set, &set) != 0) return {0};
  for (uint32_t core = 0; core < CPU_SETSIZE; ++core)
    if (CPU_ISSET(core, &set)) cores.push_back(core);
  return cores;
}

}  // namespace bulkhead
