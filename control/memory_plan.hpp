// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "control/config.hpp"

/// How the packet memory is divided, so that every queue can be full at once and a port still finds buffers.
/// Pure functions of the configuration: what `check` says is what `run` does.
///
/// One pool has all packets, also those of queues that are one slice's own. A pool for each of these would
/// bound its slice no better than the quota and what is set aside here. It would have to have room for all
/// the transmit rings in which the slice's packets may stand, as drivers free what was sent only when they
/// need the place: a smaller one could wait for itself for ever. So the same memory would do for a fifth of
/// the queues, and each pool has a cache of its own for each worker, which the processor's must hold.
namespace bulkhead {

inline constexpr uint16_t kDescriptors = 1024;  // of a port, per direction; each can hold a packet

/// Of each queue to which flow rules steer one slice's packets: what comes while a worker is at a round.
inline constexpr uint16_t kOwnDescriptors = 256;

/// Half a receive burst: a shorter queue could not take what one visit brings.
inline constexpr uint32_t kShortestQueue = 16;

/// The packet memory as it is laid out, or would be.
struct PacketMemory {
  uint32_t data_room = 0;  // bytes of a frame that one packet holds
  uint32_t packets = 0;
};

/// The memory that a configuration's start lays out: room for the largest frame of any of its devices.
[[nodiscard]] PacketMemory packet_memory(const Config& config);

/// Queues for one slice each that a port is opened with, where its device takes flow rules: one for each of
/// its slices, or for each of a slice's classes, and some for slices that come later, as far as a quarter of
/// the memory fills them.
[[nodiscard]] uint16_t own_queues_at(const Config& config, PortId port, const PacketMemory& memory);

/// Packet buffers that ports, workers and the control thread hold besides the slices' queues. Unknown workers
/// hold none.
[[nodiscard]] uint64_t held_packets(const Config& config, const PacketMemory& memory,
                                    std::optional<uint32_t> workers);

/// The most packets each slice may hold, by SliceId: as given; the others share equally what ports, workers
/// and those leave.
[[nodiscard]] std::vector<uint64_t> memory_packets(const Config& config, const PacketMemory& memory,
                                                   std::optional<uint32_t> workers);

/// How many packets of a slice may wait at each of its ports.
struct QueuePlan {
  uint32_t input = 0;   // to be visited; a power of two
  uint32_t output = 0;  // to be sent, in all classes together
  uint64_t quota = 0;   // of the slice, at all its ports
  bool operator==(const QueuePlan&) const = default;
};

/// The least shares of its packets that a slice needs: at each port one for what comes in, two for what goes
/// out.
[[nodiscard]] std::size_t queue_count(const SliceConfig& slice);

/// By SliceId. Requires: prove_isolation() found nothing wrong with this memory and these workers.
[[nodiscard]] std::vector<QueuePlan> queue_plans(const Config& config, const PacketMemory& memory,
                                                 uint32_t workers);

}  // namespace bulkhead
