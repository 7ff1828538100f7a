// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <utility>

#include "nic/port.hpp"
#include "nic/ring_port.hpp"

namespace bulkhead::perf {

/// Where the generator meets a device of whoever is measured. One thread.
class FarEnd {
 public:
  FarEnd() = default;
  FarEnd(const FarEnd&) = delete;
  FarEnd& operator=(const FarEnd&) = delete;
  virtual ~FarEnd() = default;
  /// Takes over the packet, unless there is no room (false).
  [[nodiscard]] virtual bool inject(Packet packet) = 0;
  virtual void collect(Burst& burst) = 0;
};

/// Of a device in this process.
class RingEnd : public FarEnd {
 public:
  explicit RingEnd(RingPort port) : port_(std::move(port)) {}
  [[nodiscard]] bool inject(Packet packet) override { return port_.inject(packet); }
  void collect(Burst& burst) override { port_.collect(burst); }

 private:
  RingPort port_;
};

/// Of a device in another process, by a device of DPDK here that is connected to it.
class PortEnd : public FarEnd {
 public:
  explicit PortEnd(Port port) : port_(std::move(port)) {}
  [[nodiscard]] bool inject(Packet packet) override { return port_.transmit(kQueue, {&packet, 1}) == 1; }
  void collect(Burst& burst) override { port_.receive(kQueue, burst, Burst::kCapacity, Cycles{}); }
  [[nodiscard]] const Port& port() const { return port_; }

 private:
  static constexpr QueueId kQueue{0};
  Port port_;
};

}  // namespace bulkhead::perf
