// SPDX-License-Identifier: Apache-2.0
#include "classifier/whose.hpp"

namespace bulkhead {

Verdict whose_odd(const SliceTable& table, PortId port, Packet packet) {
  packet.state().buffers = buffers_of(packet);
  const FrameView frame = packet.view();
  // Tags are edited in place, so they must lie in the first segment.
  if (frame.contiguous() < kTaggedHeaderSize && frame.contiguous() < frame.length())
    return Verdict::malformed();
  FrameTag tag;
  const Verdict verdict = table.classify(port, frame, tag);
  remember(packet, tag);
  return verdict;
}

}  // namespace bulkhead
