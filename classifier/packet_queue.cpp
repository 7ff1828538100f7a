// SPDX-License-Identifier: Apache-2.0
#include "classifier/packet_queue.hpp"

#include <algorithm>
#include <bit>

namespace bulkhead {

PacketQueue::PacketQueue(uint32_t capacity)
    : mask_(std::bit_ceil(std::max(capacity, 1u)) - 1), slots_(std::make_unique<Packet[]>(mask_ + 1)) {}

uint32_t PacketQueue::drain() {
  uint32_t freed = 0;
  Burst burst;
  while (const uint32_t taken = pop(burst.raw(), Burst::kCapacity)) {
    free_packets({burst.raw(), taken});
    freed += taken;
  }
  return freed;
}

}  // namespace bulkhead
