// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "control/config.hpp"
#include "nic/error.hpp"

namespace bulkhead {

/// How the packet memory is divided, so that every queue can be full at once and a port still finds buffers.
struct MemoryPlan {
  uint32_t data_room = 0;                // bytes of a frame that one segment holds
  uint32_t packets = 0;                  // in the pool
  std::vector<uint32_t> queue_capacity;  // by SliceId: of each of its queues, a power of two
};

/// What the devices and workers hold besides the slices' queues.
struct MemoryUsers {
  std::size_t ports = 0;
  std::size_t workers = 0;
  uint32_t packets_per_port = 0;  // descriptors of both directions
};

/// Refuses a memory in which the slices' queues would be too short to forward a burst.
[[nodiscard]] Result<MemoryPlan> plan_memory(const Config& config, uint32_t data_room, uint32_t pool_packets,
                                             const MemoryUsers& users);

/// The room that the largest frame of any configured device needs.
[[nodiscard]] uint32_t data_room_for(const Config& config);

}  // namespace bulkhead
