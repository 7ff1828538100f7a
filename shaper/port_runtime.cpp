// SPDX-License-Identifier: Apache-2.0
#include "shaper/port_runtime.hpp"

namespace bulkhead {

void PortRuntime::withdraw() {
  if (!has_taken_way_out_) egress_claim.take();
  has_taken_way_out_ = true;
  if (std::exchange(is_withdrawn_, true)) return;
  receive_claim.take();
  for (uint16_t queue = 1; queue <= port.own_queues(); ++queue) own_queues[queue].claim.take();
}

void PortRuntime::drop_what_is_sent() {
  if (!std::exchange(has_taken_way_out_, false)) return;
  egress.set_open(false);
  egress_claim.release();
}

void PortRuntime::admit() {
  is_withdrawn_ = has_taken_way_out_ = false;
  egress.set_open(true);
  egress_claim.release();
  for (uint16_t queue = 1; queue <= port.own_queues(); ++queue) own_queues[queue].claim.release();
  receive_claim.release();
}

}  // namespace bulkhead
