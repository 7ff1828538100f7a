// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "classifier/forwarding.hpp"
#include "tests/support/eal.hpp"
#include "tests/support/frames.hpp"

namespace bulkhead::test {

/// A forwarding model between ports that a test feeds and looks at, frame by frame.
class ModelBench {
 public:
  using Sent = std::map<LocalPort, std::vector<Frame>>;

  explicit ModelBench(ForwardingModel& model, std::size_t ports, uint32_t packets = 255)
      : pool_(make_pool(packets)), model_(model), ports_(ports), outputs_(ports, pool_) {}

  /// What leaves where when these frames arrive at the port, in one burst.
  Sent forward(LocalPort ingress, const std::vector<Frame>& frames, Cycles now = {}) {
    outputs_.reset();
    Burst burst;
    for (const Frame& frame : frames) burst.push_back(packet_of(pool_, frame));
    model_.forward(burst.span(), ingress, now, outputs_);
    burst.release();
    Sent sent;
    for (LocalPort port = 0; port < ports_; ++port) {
      const std::span<const Packet> out = outputs_.take(port);
      for (const Packet packet : out) sent[port].push_back(bytes_of(packet));
      free_packets(out);
    }
    return sent;
  }
  Sent forward(LocalPort ingress, const Frame& frame, Cycles now = {}) {
    return forward(ingress, std::vector<Frame>{frame}, now);
  }

  [[nodiscard]] uint32_t dropped(DropReason reason) const { return outputs_.dropped(reason); }
  [[nodiscard]] uint32_t copies() const { return outputs_.copies(); }
  [[nodiscard]] const PacketPool& pool() const { return pool_; }

 private:
  PacketPool pool_;
  ForwardingModel& model_;
  std::size_t ports_;
  ForwardingOutputs outputs_;
};

}  // namespace bulkhead::test
