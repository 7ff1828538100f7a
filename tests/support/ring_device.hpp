// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <vector>

#include "nic/packet_pool.hpp"
#include "nic/ring_port.hpp"
#include "tests/support/frames.hpp"

namespace bulkhead::test {

/// A RingPort that the tests feed with bytes and read as frames; a failure to make it ends them. One test
/// thread; the port may be at work in another meanwhile.
class RingDevice {
 public:
  /// As RingPort::create.
  explicit RingDevice(const std::string& name, uint32_t size = 1023, uint16_t receive_queues = 1);

  /// What a configuration calls it.
  [[nodiscard]] const std::string& device() const { return device_; }

  /// Takes over the packet, unless there is no room (false).
  [[nodiscard]] bool inject(Packet packet, QueueId queue = QueueId{0}) { return port_.inject(packet, queue); }
  /// A packet with these bytes, which must find room.
  void inject(const PacketPool& pool, std::span<const uint8_t> bytes);
  /// The same, lost where there is no room (false).
  bool offer(const PacketPool& pool, std::span<const uint8_t> bytes, QueueId queue = QueueId{0});

  /// Whether the port has received all that was injected.
  [[nodiscard]] bool all_received() const { return port_.all_received(); }

  /// What was transmitted since, in order, up to `most` frames.
  [[nodiscard]] std::vector<Frame> collect(std::size_t most = SIZE_MAX);
  /// The same, freed unseen; returns how many.
  std::size_t discard();
  /// The next frame transmitted, or a null handle; the caller's.
  [[nodiscard]] Packet take();

 private:
  std::string device_;
  RingPort port_;
};

}  // namespace bulkhead::test
