// SPDX-License-Identifier: Apache-2.0
#include "control/memory_plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

#include "control/entitlement.hpp"
#include "nic/packet_pool.hpp"
#include "nic/port.hpp"

namespace bulkhead {
namespace {

// A worker's thread cache (one and a half times its size, as DPDK fills it), the burst in its hands, and the
// copies of one flooded burst.
constexpr uint32_t kPacketsPerWorker = 384 + 64 + 64;

constexpr uint32_t kShortestQueue = 16;   // half a receive burst
constexpr uint32_t kLongestQueue = 1024;  // 1.2 ms of full frames at 10 Gb/s; longer ones are delay

}  // namespace

uint32_t data_room_for(const Config& config) {
  uint32_t room = 0;
  for (const PortConfig& port : config.ports) room = std::max(room, data_room_of(port.device));
  return room;
}

Result<MemoryPlan> plan_memory(const Config& config, uint32_t data_room, uint32_t pool_packets,
                               const MemoryUsers& users) {
  const uint64_t held = users.ports * users.packets_per_port + users.workers * kPacketsPerWorker;
  const std::vector<uint64_t> entitled = memory_packets(config);
  uint64_t sum = 0;
  for (const uint64_t packets : entitled) sum += packets;
  const uint64_t left = pool_packets > held ? pool_packets - held : 0;

  MemoryPlan plan{.data_room = data_room, .packets = pool_packets, .queue_capacity = {}};
  for (std::size_t slice = 0; slice < entitled.size(); ++slice) {
    // In proportion where the devices leave less than the slices were entitled to.
    const uint64_t share = sum > left ? entitled[slice] * left / sum : entitled[slice];
    const uint64_t queues = 2 * config.slices[slice].ports().size();
    const auto capacity = static_cast<uint32_t>(std::min<uint64_t>(share / queues, kLongestQueue));
    if (capacity < kShortestQueue)
      return fail(
          fmt::format("slice {}: {} packets of memory for {} queues are too few, {} are needed; raise "
                      "[appliance] memory{}",
                      config.slices[slice].name, share, queues, kShortestQueue * queues,
                      config.slices[slice].memory_packets ? " or [slice.memory] packets" : ""));
    plan.queue_capacity.push_back(std::bit_floor(capacity));
  }
  return plan;
}

}  // namespace bulkhead
