// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "classifier/ready_set.hpp"
#include "nic/port.hpp"
#include "shaper/slice_runtime.hpp"

namespace bulkhead {

/// The egress step of one port: takes packets from the slices' output queues in turn, a burst each, and hands
/// them to the device. One object per port; one worker at a time, the one that has the port's egress claim.
///
/// What the device does not take at once stays here and is offered again: nothing overtakes it. A port whose
/// link is down keeps its packets until `flush` or until they are dropped on purpose.
class Egress {
 public:
  Egress(const Port& port, MicrosecondScale scale) : port_(port), scale_(scale) {}

  /// Takes packets of the slices marked in `ready` and transmits. `outputs`: by SliceId, null where the slice
  /// has no output here. Returns how many packets moved.
  uint32_t visit(ReadySet& ready, const std::vector<SliceOutput*>& outputs);

  /// Packets that left a queue and that the device has not taken yet.
  [[nodiscard]] uint32_t pending() const { return batch_.size() - first_; }

  /// Drops pending packets: those of `output`, or all where it is null.
  void drop_pending(const SliceOutput* output, DropReason reason);

 private:
  void gather(ReadySet& ready, const std::vector<SliceOutput*>& outputs);
  void take_from(SliceOutput& output);
  uint32_t transmit();
  void count(uint32_t from, uint32_t to, Cycles now);

  const Port& port_;
  MicrosecondScale scale_;
  std::size_t turn_ = 0;  // the slice that is next

  // Packets on their way to the device, and what is to be counted once it has taken (and may have freed)
  // them.
  Burst batch_;
  uint32_t first_ = 0;
  std::array<SliceOutput*, Burst::kCapacity> origin_{};
  std::array<PacketState, Burst::kCapacity> states_;
};

}  // namespace bulkhead
