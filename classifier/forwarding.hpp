// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "classifier/drop_reason.hpp"
#include "nic/packet.hpp"
#include "nic/packet_pool.hpp"

namespace bulkhead {

/// A port as its slice counts them: the n-th of the slice's own ports.
using LocalPort = uint8_t;

/// How much a slice may still send. Asked in the slice's visit.
class OutputRooms {
 public:
  OutputRooms() = default;
  OutputRooms(const OutputRooms&) = delete;
  OutputRooms& operator=(const OutputRooms&) = delete;
  /// Packet buffers that may yet wait at the slice's port.
  [[nodiscard]] virtual uint32_t room(LocalPort port) const = 0;

 protected:
  ~OutputRooms() = default;
};

/// Where a forwarding model puts the packets of one visit: per output port, or dropped with a reason. Scratch
/// of one worker, used again for every visit. Whatever was sent or copied and not taken is freed at the end.
class ForwardingOutputs {
 public:
  /// `pool` gives the buffers for copies.
  ForwardingOutputs(std::size_t ports, const PacketPool& pool) : ports_(ports), pool_(pool) {}

  /// Takes over a packet.
  void send(LocalPort port, Packet packet) {
    touched_ |= uint64_t{1} << port;
    ports_[port].here.push_back(packet);
  }
  /// Sends packets that stay where they are until they are taken. Requires: an empty port, and that they are
  /// taken.
  void send_all(LocalPort port, std::span<const Packet> packets) {
    touched_ |= uint64_t{1} << port;
    ports_[port].elsewhere = packets;
  }
  /// Sends a copy. Where the slice's memory at the port is full none is made, so that no slice takes buffers
  /// that it may not keep, and memory_quota is counted; where the pool has none left, no_buffer.
  void send_copy(LocalPort port, Packet packet);
  /// Takes over a packet and frees it.
  void drop(Packet packet, DropReason reason);

  /// What bounds the copies of the next visits; null: nothing does. It must outlive them.
  void limit_copies(const OutputRooms* rooms) { rooms_ = rooms; }

  /// The packets that were sent there, which the caller owns now. Valid until the next visit.
  [[nodiscard]] std::span<const Packet> take(LocalPort port) {
    Port& from = ports_[port];
    if (!from.elsewhere.empty()) return std::exchange(from.elsewhere, {});
    const std::span<const Packet> packets = from.here.span();
    from.here.release();
    return packets;
  }
  /// Bit n for local port n: something was sent there.
  [[nodiscard]] uint64_t touched() const { return touched_; }
  [[nodiscard]] uint32_t dropped(DropReason reason) const {
    return dropped_[static_cast<std::size_t>(reason)];
  }
  [[nodiscard]] bool any_dropped() const { return any_dropped_; }
  /// Copies asked for, made or not.
  [[nodiscard]] uint32_t copies() const { return copies_; }
  /// Makes ready for the next visit. Requires: every port's packets were taken.
  void reset();

 private:
  [[nodiscard]] bool takes_copy(LocalPort port, uint32_t buffers);
  void count_drop(DropReason reason);

  struct Port {
    std::span<const Packet> elsewhere;
    Burst here;
    uint32_t copy_room = 0;  // packet buffers for further copies, where it was asked for
  };
  std::vector<Port> ports_;
  const PacketPool& pool_;
  const OutputRooms* rooms_ = nullptr;
  uint64_t asked_ = 0;  // bit n: how much room local port n has
  uint64_t touched_ = 0;
  uint32_t copies_ = 0;
  bool any_dropped_ = false;
  std::array<uint32_t, kDropReasons> dropped_{};
};

/// What a slice does with its packets: picks output ports among the slice's own. One object per slice; called
/// by the worker that has the slice's claim, one at a time.
class ForwardingModel {
 public:
  ForwardingModel() = default;
  ForwardingModel(const ForwardingModel&) = delete;
  ForwardingModel& operator=(const ForwardingModel&) = delete;
  virtual ~ForwardingModel() = default;

  /// Takes over every packet of `burst`, received at `ingress` at about `now`: each is sent or dropped.
  virtual void forward(std::span<const Packet> burst, LocalPort ingress, Cycles now,
                       ForwardingOutputs& outputs) = 0;

  /// Stations in the model's table, where it learns any: also those that have aged since it last forwarded.
  /// Any thread.
  [[nodiscard]] virtual uint64_t learned_addresses() const { return 0; }
  /// Frames so far whose source found no room to be learned: what is sent to it is flooded. Any thread.
  [[nodiscard]] virtual uint64_t unlearned_addresses() const { return 0; }
};

}  // namespace bulkhead
