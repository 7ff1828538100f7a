// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>

#include "classifier/ready_set.hpp"
#include "shaper/port_runtime.hpp"

namespace bulkhead {

/// The ways out that one worker has to itself for the length of a few visits to slices, so that packets which
/// need no order can leave without a queue between. Claimed when first asked for, released at the end.
class ClaimedPorts {
 public:
  /// `ports` by PortId; `now`: the moment of all these visits.
  ClaimedPorts(std::span<PortRuntime* const> ports, Cycles now) : ports_(ports), now_(now) {}
  ClaimedPorts(const ClaimedPorts&) = delete;
  ClaimedPorts& operator=(const ClaimedPorts&) = delete;
  ~ClaimedPorts() {
    for_each_bit(taken_, [this](uint32_t port) { ports_[port]->egress_claim.release(); });
  }

  /// When these visits began. One moment for all, as a port's time is worked out anew for each.
  [[nodiscard]] Cycles now() const { return now_; }
  /// The port's way out; null while another worker has it.
  [[nodiscard]] Egress* at(PortId port) {
    const uint64_t bit = uint64_t{1} << port.value();
    if ((asked_ & bit) == 0) {
      asked_ |= bit;
      if (port.value() < ports_.size() && ports_[port.value()]->egress_claim.try_take()) taken_ |= bit;
    }
    return (taken_ & bit) != 0 ? &ports_[port.value()]->egress : nullptr;
  }

 private:
  std::span<PortRuntime* const> ports_;
  Cycles now_;
  uint64_t asked_ = 0;
  uint64_t taken_ = 0;
};
static_assert(kMaxPorts <= 64);

}  // namespace bulkhead
