// SPDX-License-Identifier: Apache-2.0
#include "classifier/forwarding.hpp"

namespace bulkhead {

void ForwardingOutputs::send_copy(LocalPort port, Packet packet) {
  ++copies_;
  const Packet copy = pool_.copy(packet);
  if (copy.mbuf() != nullptr) return send(port, copy);
  ++dropped_[static_cast<std::size_t>(DropReason::no_buffer)];
  any_dropped_ = true;
}

void ForwardingOutputs::drop(Packet packet, DropReason reason) {
  ++dropped_[static_cast<std::size_t>(reason)];
  any_dropped_ = true;
  free_packets({&packet, 1});
}

void ForwardingOutputs::reset() {
  touched_ = 0;
  copies_ = 0;
  if (any_dropped_) dropped_.fill(0);
  any_dropped_ = false;
}

}  // namespace bulkhead
