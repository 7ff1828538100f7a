// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "control/certify.hpp"
#include "control/certify_stream.hpp"
#include "nic/packet_pool.hpp"
#include "nic/ring_port.hpp"
#include "shaper/worker.hpp"

namespace bulkhead {

/// Sends test streams into the far ends of the appliance's ports, and measures what comes out. One thread,
/// which it keeps busy while a step runs.
class TestTraffic {
 public:
  /// `ports`: the far end of each port, by PortId.
  TestTraffic(std::vector<RingPort> ports, PacketPool pool);

  struct Flow {
    const TestStream* stream = nullptr;
    BitsPerSecond rate;       // on the wire, at the egress
    std::size_t subject = 0;  // what it counts for; the streams of one subject have one egress port
  };
  /// Sends all flows at once, waits for what is still on its way, and returns what came of each of
  /// `subjects`. `workers` are looked at meanwhile, see CoreWatch.
  [[nodiscard]] std::vector<Measured> run(std::span<const Flow> flows, std::size_t subjects,
                                          const CertifyTime& time, std::span<const WorkerTime> workers);

 private:
  class Run;
  void greet(std::span<const Flow> flows);
  [[nodiscard]] bool send(const TestStream& stream, uint32_t number, uint32_t sequence, Cycles now);
  /// Calls `count(stamp, length, port)` for each frame of this run that came out.
  template <class Count>
  void collect(Count count);

  std::vector<RingPort> ports_;
  PacketPool pool_;
  uint32_t run_ = 0;  // frames of earlier runs are not counted
};

}  // namespace bulkhead
