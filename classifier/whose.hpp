// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "classifier/slice_table.hpp"
#include "nic/packet.hpp"

namespace bulkhead {

/// Whose a packet is that is too short or in several segments; see whose().
[[nodiscard]] Verdict whose_odd(const SliceTable& table, PortId port, Packet packet);

/// Notes what the packet's outermost tag says, where those look who forward it.
inline void remember(Packet packet, FrameTag tag) {
  PacketState& state = packet.state();
  state.vlan = tag.vlan;
  state.pcp = tag.pcp & 7;  // kNoPcp becomes 0: untagged is best effort
}

/// Whose a packet is that arrived at the port. Its state knows its tag and its buffers then.
[[nodiscard]] inline Verdict whose(const SliceTable& table, PortId port, Packet packet) {
  if (packet.segments() != 1 || packet.length() < kTaggedHeaderSize) [[unlikely]]
    return whose_odd(table, port, packet);
  FrameTag tag;
  const Verdict verdict = table.classify(port, packet.data(), packet.length(), tag);
  remember(packet, tag);
  return verdict;
}

}  // namespace bulkhead
