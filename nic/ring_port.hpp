// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "nic/error.hpp"
#include "nic/ids.hpp"
#include "nic/packet.hpp"

struct rte_ring;

namespace bulkhead {

/// A network device inside this process, and its far end: what is injected here the device receives, what the
/// device transmits is collected here. Opened by its name as any other device (Port::open), and given back
/// last: after the Port, before the EAL. One thread at this end; the device may be at work in another.
class RingPort {
 public:
  /// `name`: up to nine letters and digits, unique in the process. Each direction holds `packets`; the
  /// device can be opened with up to `receive_queues`, each of which holds as many.
  static Result<RingPort> create(const std::string& name, uint32_t packets, uint16_t receive_queues = 1);

  RingPort(RingPort&&) noexcept = default;
  RingPort& operator=(RingPort&&) = delete;
  ~RingPort();

  /// What Port::open calls it: "net_ring_NAME".
  [[nodiscard]] static std::string device_of(const std::string& name) { return "net_ring_" + name; }

  /// Takes over the packet, unless there is no room (false). The device receives it by that queue: a device
  /// of rings steers nothing by itself.
  [[nodiscard]] bool inject(Packet packet, QueueId queue = QueueId{0});
  /// The device has received all that was injected.
  [[nodiscard]] bool all_received() const;
  /// Adds to `burst` what was transmitted since, in order, up to `most` packets and as far as there is room.
  void collect(Burst& burst, uint32_t most = Burst::kCapacity);

 private:
  struct Free {
    void operator()(rte_ring* ring) const;
  };
  using Ring = std::unique_ptr<rte_ring, Free>;
  RingPort(std::string device, std::vector<Ring> to_device, Ring from_device);
  static Result<Ring> make_ring(const std::string& name, uint32_t packets);

  std::string device_;
  std::vector<Ring> to_device_;  // by queue
  Ring from_device_;
};

}  // namespace bulkhead
