// SPDX-License-Identifier: Apache-2.0
#include "classifier/own_queue.hpp"

#include "classifier/demultiplexer.hpp"
#include "classifier/whose.hpp"

namespace bulkhead {

uint32_t OwnQueue::receive(Burst& burst, uint32_t most, Cycles now) const {
  const uint32_t received = place_.port.receive(place_.queue, burst, most, now);
  Burst refused;
  uint32_t malformed = 0;
  uint32_t kept = 0;
  uint64_t bytes = 0;
  for (uint32_t i = 0; i < received; ++i) {
    const Packet packet = burst[i];
    const Verdict verdict = check(packet);
    if (verdict != Verdict::of(slice_)) [[unlikely]] {
      malformed += verdict == Verdict::malformed() ? 1 : 0;
      refused.push_back(packet);
      continue;
    }
    bytes += packet.state().length;
    burst.raw()[kept++] = packet;
  }
  burst.resize(kept);
  if (kept > 0) arrivals_.received.add(kept, bytes);
  if (!refused.empty()) [[unlikely]]
    drop(refused, malformed);
  return received;
}

Verdict OwnQueue::check(Packet packet) const {
  // A frame of more buffers has no place in any of the slice's queues.
  if (packet.segments() > SliceInput::kMostBuffers) [[unlikely]]
    return Verdict::malformed();
  return whose(table_, place_.id, packet);
}

/// Together: one slice's malformed packets are others' time. `malformed` of them are that, the rest
/// strangers.
void OwnQueue::drop(Burst& refused, uint32_t malformed) const {
  place_.malformed.add(malformed);
  arrivals_.strangers.add(refused.size() - malformed);
  free_packets(refused.span());
  refused.release();
}

}  // namespace bulkhead
