// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "control/config.hpp"

/// How the packet memory is divided, so that every queue can be full at once and a port still finds buffers.
/// Pure functions of the configuration: what `check` says is what `run` does.
namespace bulkhead {

inline constexpr uint16_t kDescriptors = 1024;  // of a port, per direction; each can hold a packet

/// Half a receive burst: a shorter queue could not take what one visit brings.
inline constexpr uint32_t kShortestQueue = 16;

/// The packet memory as it is laid out, or would be.
struct PacketMemory {
  uint32_t data_room = 0;  // bytes of a frame that one packet holds
  uint32_t packets = 0;
};

/// The memory that a configuration's start lays out: room for the largest frame of any of its devices.
[[nodiscard]] PacketMemory packet_memory(const Config& config);

/// Packets that ports and workers hold besides the slices' queues. Unknown workers hold none.
[[nodiscard]] uint64_t held_packets(const Config& config, std::optional<uint32_t> workers);

/// The most packets each slice may hold, by SliceId: as given; the others share equally what ports, workers
/// and those leave.
[[nodiscard]] std::vector<uint64_t> memory_packets(const Config& config, const PacketMemory& memory,
                                                   std::optional<uint32_t> workers);

/// A slice has one queue in and one out at each of its ports.
[[nodiscard]] std::size_t queue_count(const SliceConfig& slice);

/// The capacity of each of a slice's queues by SliceId, a power of two. Requires: prove_isolation() found
/// nothing wrong with this memory and these workers.
[[nodiscard]] std::vector<uint32_t> queue_capacities(const Config& config, const PacketMemory& memory,
                                                     uint32_t workers);

}  // namespace bulkhead
