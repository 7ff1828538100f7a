// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <utility>

#include "nic/port.hpp"
#include "nic/ring_port.hpp"
#include "nic/wire.hpp"
#include "perf/vlan_nic.hpp"

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

/// Of a device in this process, whose queues are filled by VLAN.
class RingEnd : public FarEnd {
 public:
  RingEnd(RingPort port, std::shared_ptr<const QueueByVid> queues)
      : port_(std::move(port)), queues_(std::move(queues)) {}
  [[nodiscard]] bool inject(Packet packet) override {
    const uint16_t vid = load_be16(packet.data() + kVidAt) & 0xfff;
    return port_.inject(packet, QueueId{(*queues_)[vid].load(std::memory_order_relaxed)});
  }
  void collect(Burst& burst) override { port_.collect(burst); }

 private:
  static constexpr std::size_t kVidAt = 14;  // all the generator's frames have a tag
  RingPort port_;
  std::shared_ptr<const QueueByVid> queues_;
};

/// Of a device in another process, by a device of DPDK here that is connected to it.
class PortEnd : public FarEnd {
 public:
  PortEnd(Port port, uint16_t queues) : port_(std::move(port)), queues_(queues) {}
  [[nodiscard]] bool inject(Packet packet) override { return port_.transmit(QueueId{0}, {&packet, 1}) == 1; }
  void collect(Burst& burst) override {
    for (uint16_t queue = 0; queue < queues_; ++queue)
      port_.receive(QueueId{queue}, burst, Burst::kCapacity, Cycles{});
  }
  [[nodiscard]] const Port& port() const { return port_; }

 private:
  Port port_;
  uint16_t queues_;  // that the other side sends to
};

}  // namespace bulkhead::perf
