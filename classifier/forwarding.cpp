// SPDX-License-Identifier: Apache-2.0
#include "classifier/forwarding.hpp"

namespace bulkhead {

void ForwardingOutputs::send_copy(LocalPort port, Packet packet) {
  ++copies_;
  if (!takes_copy(port, packet.state().buffers)) return count_drop(DropReason::memory_quota);
  const Packet copy = pool_.copy(packet);
  if (copy.mbuf() == nullptr) return count_drop(DropReason::no_buffer);
  send(port, copy);
}

/// Whether the slice may have a copy there, which then is its own. A port is asked once a visit: meanwhile
/// nobody else fills it.
bool ForwardingOutputs::takes_copy(LocalPort port, uint32_t buffers) {
  if (rooms_ == nullptr) return true;
  uint32_t& room = ports_[port].copy_room;
  if ((asked_ >> port & 1) == 0) room = rooms_->room(port);
  asked_ |= uint64_t{1} << port;
  if (room < buffers) return false;
  room -= buffers;
  return true;
}

void ForwardingOutputs::count_drop(DropReason reason) {
  ++dropped_[static_cast<std::size_t>(reason)];
  any_dropped_ = true;
}

void ForwardingOutputs::drop(Packet packet, DropReason reason) {
  count_drop(reason);
  free_packets({&packet, 1});
}

void ForwardingOutputs::reset() {
  touched_ = 0;
  asked_ = 0;
  copies_ = 0;
  if (any_dropped_) dropped_.fill(0);
  any_dropped_ = false;
}

}  // namespace bulkhead
