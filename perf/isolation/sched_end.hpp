// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "perf/isolation/far_end.hpp"

struct rte_sched_port;

namespace bulkhead::perf {

/// DPDK's rte_sched in the place of an appliance: a port of so many bits a second, where the pipe of VLAN v
/// (1 and up) passes at most `pipe_rate`. It has no guarantees; equal pipes take turns. One thread.
class Sched {
 public:
  Sched(uint32_t pipes, uint64_t port_rate, uint64_t pipe_rate);
  Sched(const Sched&) = delete;
  Sched& operator=(const Sched&) = delete;
  ~Sched();

  /// Takes over the packet, or drops it.
  void enqueue(Packet packet);
  void dequeue(Burst& burst);

 private:
  rte_sched_port* port_;
  uint32_t pipes_;
};

/// What is injected at one end comes out of the other, when it may.
class SchedIn : public FarEnd {
 public:
  explicit SchedIn(std::shared_ptr<Sched> sched) : sched_(std::move(sched)) {}
  [[nodiscard]] bool inject(Packet packet) override { return sched_->enqueue(packet), true; }
  void collect(Burst&) override {}

 private:
  std::shared_ptr<Sched> sched_;
};

class SchedOut : public FarEnd {
 public:
  explicit SchedOut(std::shared_ptr<Sched> sched) : sched_(std::move(sched)) {}
  [[nodiscard]] bool inject(Packet) override { return false; }
  void collect(Burst& burst) override { sched_->dequeue(burst); }

 private:
  std::shared_ptr<Sched> sched_;
};

}  // namespace bulkhead::perf
