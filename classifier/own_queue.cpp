// SPDX-License-Identifier: Apache-2.0
#include "classifier/own_queue.hpp"

#include "classifier/demultiplexer.hpp"
#include "classifier/whose.hpp"

namespace bulkhead {

uint32_t OwnQueue::receive(Burst& burst, uint32_t most, Cycles now) const {
  const uint32_t received = place_.port.receive(place_.queue, burst, most, now);
  uint32_t kept = 0;
  uint64_t bytes = 0;
  for (uint32_t i = 0; i < received; ++i) {
    const Packet packet = burst[i];
    const Verdict verdict = check(packet);
    if (verdict != Verdict::of(slice_)) [[unlikely]] {
      drop(packet, verdict);
      continue;
    }
    bytes += packet.state().length;
    burst.raw()[kept++] = packet;
  }
  burst.resize(kept);
  if (kept > 0) arrivals_.received.add(kept, bytes);
  return received;
}

Verdict OwnQueue::check(Packet packet) const {
  // A frame of more buffers has no place in any of the slice's queues.
  if (packet.segments() > SliceInput::kMostBuffers) [[unlikely]]
    return Verdict::malformed();
  return whose(table_, place_.id, packet);
}

void OwnQueue::drop(Packet packet, Verdict verdict) const {
  (verdict == Verdict::malformed() ? place_.malformed : arrivals_.strangers).add(1);
  free_packets({&packet, 1});
}

}  // namespace bulkhead
