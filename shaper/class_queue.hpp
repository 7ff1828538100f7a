// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include "nic/packet.hpp"
#include "shaper/slice_rates.hpp"

namespace bulkhead {

/// Bytes of a packet's frame on the wire, as rates and bursts count them.
[[nodiscard]] inline Bytes wire_bytes(const PacketState& state) {
  return Bytes{state.length} + kWireOverhead;
}

/// How much one class may hold at a port.
struct QueueLimit {
  /// No limit of its own: the class may hold as many packets as its slice has places left, but no more than
  /// kLongest (1.2 ms of full frames at 10 Gb/s; longer ones are delay). So a class that is full still leaves
  /// half of what was there to the others (dynamic thresholds, Choudhury & Hahne 1998).
  static constexpr QueueLimit shared() { return {}; }
  static constexpr QueueLimit of_packets(uint32_t most) { return {.packets = most, .is_shared = false}; }
  static constexpr QueueLimit of_bytes(Bytes most) {
    return {.packets = UINT32_MAX, .bytes = most, .is_shared = false};
  }

  static constexpr uint32_t kLongest = 1024;

  uint32_t packets = kLongest;
  Bytes bytes{UINT64_MAX};
  bool is_shared = true;
};

/// The packets of one class, first in first out, linked through their own buffers: a queue costs no memory
/// but its two ends, which lie beside its limits in half a cache line. One thread at a time. Does not own.
class ClassQueue {
 public:
  ClassQueue() = default;
  explicit ClassQueue(const QueueLimit& limit)
      : most_packets_(limit.packets),
        most_bytes_(static_cast<uint32_t>(std::min<uint64_t>(limit.bytes.count(), UINT32_MAX))) {}

  [[nodiscard]] bool empty() const { return packets_ == 0; }
  [[nodiscard]] uint32_t packets() const { return packets_; }
  [[nodiscard]] Bytes bytes() const { return Bytes{bytes_}; }

  /// Whether another packet fits, if the class may have `most` packets by other rules.
  [[nodiscard]] bool has_room(uint32_t wire, uint32_t most) const {
    return packets_ < std::min(most_packets_, most) && wire <= most_bytes_ - bytes_;
  }
  void push(Packet packet, uint32_t wire) {
    if (packets_++ == 0) {
      first_ = packet;
    } else {
      last_.set_next(packet);
    }
    last_ = packet;
    bytes_ += wire;
  }
  /// Requires: not empty.
  [[nodiscard]] Packet front() const { return first_; }
  /// Requires: the packet is front(), of so many bytes on the wire.
  void pop(Packet packet, uint32_t wire) {
    first_ = packet.next();
    --packets_;
    bytes_ -= wire;
  }

 private:
  Packet first_{nullptr};
  Packet last_{nullptr};
  // In this order, so that no compiler updates packets_ and bytes_ with one wide access: read back one by
  // one, that is slow.
  uint32_t packets_ = 0;
  uint32_t most_packets_ = 0;
  uint32_t bytes_ = 0;
  uint32_t most_bytes_ = 0;
};
static_assert(sizeof(ClassQueue) == 32);

/// The queues of one slice at one port. Owned by whoever has the port's egress claim.
class ClassQueues {
 public:
  struct Plan {
    std::array<uint8_t, 8> class_of_pcp{};
    std::array<QueueLimit, kMaxClasses> limits{};
    uint32_t places = 0;  // packets that all classes together may hold
  };

  explicit ClassQueues(const Plan& plan) : free_(plan.places), class_of_pcp_(plan.class_of_pcp) {
    for (std::size_t number = 0; number < kMaxClasses; ++number) {
      queues_[number] = ClassQueue(plan.limits[number]);
      if (plan.limits[number].is_shared) shared_ = static_cast<uint8_t>(shared_ | 1u << number);
    }
  }
  ClassQueues(const ClassQueues&) = delete;
  ClassQueues& operator=(const ClassQueues&) = delete;

  [[nodiscard]] uint8_t class_of(uint8_t pcp) const { return class_of_pcp_[pcp]; }
  [[nodiscard]] const ClassQueue& at(uint32_t number) const { return queues_[number]; }

  /// Whether the class has room for the packet; if so, it takes it over.
  [[nodiscard]] bool push(uint32_t number, Packet packet) {
    ClassQueue& queue = queues_[number];
    const auto wire = static_cast<uint32_t>(wire_bytes(packet.state()).count());
    const bool is_shared = (shared_ >> number & 1) != 0;
    if (free_ == 0 || !queue.has_room(wire, is_shared ? free_ : UINT32_MAX)) return false;
    --free_;
    queue.push(packet, wire);
    return true;
  }
  /// The first packet of the class, taken out. Requires: it has one.
  Packet pop(uint32_t number) {
    ClassQueue& queue = queues_[number];
    const Packet packet = queue.front();
    queue.pop(packet, static_cast<uint32_t>(wire_bytes(packet.state()).count()));
    ++free_;
    return packet;
  }

 private:
  uint32_t free_;       // places
  uint8_t shared_ = 0;  // classes without a limit of their own
  std::array<uint8_t, 8> class_of_pcp_;
  std::array<ClassQueue, kMaxClasses> queues_;
};

}  // namespace bulkhead
