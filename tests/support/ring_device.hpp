// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "nic/packet_pool.hpp"
#include "tests/support/frames.hpp"

struct rte_ring;

namespace bulkhead::test {

/// A device in this process, of which the test holds the other end: what it injects the port receives, what
/// the port transmits it collects. One test thread; the port may be at work in another meanwhile.
class RingDevice {
 public:
  /// Both directions hold `size` packets, a power of two less one; `name`: up to nine letters, unique in the
  /// process.
  explicit RingDevice(const std::string& name, uint32_t size = 1023);
  RingDevice(const RingDevice&) = delete;
  RingDevice& operator=(const RingDevice&) = delete;
  ~RingDevice();

  /// What a configuration calls it.
  [[nodiscard]] const std::string& device() const { return device_; }

  /// Takes over the packet, unless there is no room (false).
  [[nodiscard]] bool inject(Packet packet);
  /// A packet with these bytes, which must find room.
  void inject(const PacketPool& pool, std::span<const uint8_t> bytes);

  /// Whether the port has received all that was injected.
  [[nodiscard]] bool all_received() const;

  /// What was transmitted since, in order, up to `most` frames.
  [[nodiscard]] std::vector<Frame> collect(std::size_t most = SIZE_MAX);
  /// The same, freed unseen; returns how many.
  std::size_t discard();
  /// The next frame transmitted, or a null handle; the caller's.
  [[nodiscard]] Packet take();

 private:
  std::string device_;
  rte_ring* to_port_;
  rte_ring* from_port_;
};

}  // namespace bulkhead::test
