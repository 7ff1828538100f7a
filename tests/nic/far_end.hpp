// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "nic/packet_pool.hpp"
#include "tests/support/frames.hpp"

namespace bulkhead::test {

/// What is at the other end of a device: made before a port is opened on it, closed after the port.
class FarEnd {
 public:
  FarEnd() = default;
  FarEnd(const FarEnd&) = delete;
  FarEnd& operator=(const FarEnd&) = delete;
  virtual ~FarEnd() = default;

  /// Called once the port is open.
  virtual void connect() {}
  /// False where there is no room yet: try again after the port has received.
  [[nodiscard]] virtual bool send(const Frame& frame) = 0;
  /// The next frame that the port transmitted for kAlice; empty where none comes.
  [[nodiscard]] virtual Frame receive() = 0;
};

/// The other end of a cable whose near end is the interface bh-near.
[[nodiscard]] std::unique_ptr<FarEnd> cable_end(PacketPool& pool);
/// The kernel's side of the tap interface bh-tap.
[[nodiscard]] std::unique_ptr<FarEnd> tap_end(PacketPool& pool);
/// The other ends of the rings of net_ring_far.
[[nodiscard]] std::unique_ptr<FarEnd> ring_end(PacketPool& pool);
/// The server of the shared memory at the abstract socket bh-memif.
[[nodiscard]] std::unique_ptr<FarEnd> memif_end(PacketPool& pool);
/// Nobody: what is sent there is gone.
[[nodiscard]] std::unique_ptr<FarEnd> no_end(PacketPool& pool);

}  // namespace bulkhead::test
