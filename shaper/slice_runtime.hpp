// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "classifier/demultiplexer.hpp"
#include "classifier/egress_tag.hpp"
#include "classifier/forwarding.hpp"
#include "shaper/claim.hpp"
#include "shaper/residence_histogram.hpp"

namespace bulkhead {

/// What the data path must know of a port to send to it.
struct EgressLimits {
  uint32_t max_frame = 0;
  bool takes_segments = true;
};

/// A slice's way out at one port. Filled by the worker that visits the slice, emptied by the one that visits
/// the port; each counts on its own side.
struct SliceOutput {
  SliceOutput(uint32_t capacity, EgressTag egress_tag, EgressLimits egress_limits)
      : queue(capacity), tag(std::move(egress_tag)), limits(egress_limits) {}

  PacketQueue queue;
  EgressTag tag;
  EgressLimits limits;

  // slice visit: writes
  std::array<Counter, 8> entered;  // packets by PCP

  // port visit: writes
  std::array<TrafficCounter, 8> transmitted;  // by PCP
  std::array<Counter, 8> dropped_by_pcp;      // after they had entered; reasons in `dropped`
  DropCounters dropped;
  ResidenceHistogram residence;

  /// Fetches what the slice's visit touches, what taking packets reads, and what counting them writes to.
  void prefetch_for_visit() const {
    queue.prefetch_for_push();
    __builtin_prefetch(&tag);
    __builtin_prefetch(&entered, 1);
  }
  void prefetch_for_count() const {
    __builtin_prefetch(transmitted.data(), 1);
    __builtin_prefetch(transmitted.data() + 4, 1);
    __builtin_prefetch(&residence, 1);
  }

  /// Entered and neither transmitted nor dropped since. Any thread.
  [[nodiscard]] uint64_t queued(std::size_t pcp) const {
    const uint64_t left = transmitted[pcp].packets.read() + dropped_by_pcp[pcp].read();
    const uint64_t came = entered[pcp].read();
    return came > left ? came - left : 0;  // a reader may see the two sides a moment apart
  }
  [[nodiscard]] uint64_t queued() const {
    uint64_t all = 0;
    for (std::size_t pcp = 0; pcp < entered.size(); ++pcp) all += queued(pcp);
    return all;
  }
};

/// A slice at work: its queues, its forwarding model and its account. Lives as long as its configuration
/// stays the same, across reloads. Visited by one worker at a time (`claim`).
class SliceRuntime {
 public:
  struct Attachment {
    PortId port;
    std::unique_ptr<SliceInput> input;
    std::unique_ptr<SliceOutput> output;
  };

  SliceRuntime(std::string name, std::vector<Attachment> attachments, std::unique_ptr<ForwardingModel> model);

  struct Visit {
    uint32_t packets = 0;
    uint64_t sent_to = 0;     // the ports (by PortId) that got some
    bool wants_more = false;  // packets may have been left behind
  };
  /// Forwards up to a burst from each port where packets wait. Requires: the claim.
  [[nodiscard]] Visit visit(Cycles now, ForwardingOutputs& scratch);

  /// Whether packets wait anywhere between its inputs and the devices. Any thread.
  [[nodiscard]] bool holds_packets() const;

  /// Drops what is queued on either side, counted as `shutdown`. Requires: no worker visits the slice or its
  /// ports any more.
  void drop_queued();

  /// Fetches what `visit` reads first.
  void prefetch() const;

  Claim claim;

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] const std::vector<Attachment>& attachments() const { return attachments_; }
  [[nodiscard]] const ForwardingModel& model() const { return *model_; }

  // slice visit: writes, control: reads
  DropCounters dropped;
  Counter replicated;  // copies that flooding asked for
  Counter cycles;      // spent on visits

 private:
  void forward(LocalPort ingress, Burst& burst, Cycles now, ForwardingOutputs& scratch, uint64_t& sent_to);
  bool send(Burst& burst, SliceOutput& output);
  void prepare(Burst& burst, const SliceOutput& output);
  void count_drops(const ForwardingOutputs& outputs);

  std::string name_;
  std::vector<Attachment> attachments_;  // by LocalPort
  std::unique_ptr<ForwardingModel> model_;
};

}  // namespace bulkhead
