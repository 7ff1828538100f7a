// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "classifier/demultiplexer.hpp"
#include "classifier/forwarding.hpp"
#include "classifier/own_queue.hpp"
#include "shaper/claim.hpp"
#include "shaper/claimed_ports.hpp"
#include "shaper/priority.hpp"
#include "shaper/slice_output.hpp"

namespace bulkhead {

/// What a visit to a slice should take at most.
inline constexpr uint64_t kVisitMicroseconds = 5;

/// A slice at work: its queues, its forwarding model and its account. Lives as long as its configuration
/// stays the same, across reloads. Visited by one worker at a time (`claim`).
class alignas(64) SliceRuntime {
 public:
  /// Packets taken from one port in one visit. As many fit into an output's scratch, whatever is flooded.
  static constexpr uint8_t kMostVisited = 64;
  static_assert(kMostVisited <= Burst::kCapacity);

  struct Attachment {
    PortId port;
    std::unique_ptr<SliceInput> input;
    std::unique_ptr<SliceOutput> output;
    std::unique_ptr<OwnArrivals> own = std::make_unique<OwnArrivals>();  // by queues of the slice's own
  };

  /// A hardware queue of the slice's own, at one of its ports.
  struct OwnIngress {
    OwnQueue queue;
    Claim* claim;  // the queue's
    LocalPort ingress;
  };

  SliceRuntime(std::string name, std::vector<Attachment> attachments, std::unique_ptr<ForwardingModel> model,
               const Priority::Rules& priority = {});

  struct Visit {
    uint32_t packets = 0;
    uint64_t sent_to = 0;     // the ports (by PortId) where packets were queued
    bool wants_more = false;  // packets may have been left behind
  };
  /// Forwards up to a burst from each port where packets wait, and from each of `own`: straight to ways out
  /// in `exits` where nothing waits, into the slice's rings elsewhere. Requires: the claim.
  [[nodiscard]] Visit visit(Cycles now, ForwardingOutputs& scratch, ClaimedPorts& exits,
                            std::span<const OwnIngress> own = {});

  /// Whether packets wait anywhere between its inputs and the devices. Any thread.
  [[nodiscard]] bool holds_packets() const;

  /// Drops what waits in its inputs and rings, counted as `shutdown`. Requires: no worker visits the slice or
  /// its ports any more.
  void drop_queued();

  /// Fetch what a visit touches, a step each, as each reads what the one before has fetched: the slice
  /// itself, its ports, its queues. Requires for the last: the slice is about to be visited.
  void prefetch_self() const { __builtin_prefetch(this, 1); }
  void prefetch_ports() const { __builtin_prefetch(attachments_.data()); }
  void prefetch() const;

  /// Packet buffers that wait in its queues or that a device has not taken yet, but for the further buffers
  /// of long frames that wait to be visited. Any thread.
  [[nodiscard]] uint64_t held_buffers() const;

  [[nodiscard]] const std::string& name() const { return name_; }
  /// By LocalPort.
  [[nodiscard]] const std::vector<Attachment>& attachments() const { return attachments_; }
  /// Which of them is at the port; nothing where the slice is not.
  [[nodiscard]] std::optional<LocalPort> local_port(PortId port) const;
  /// The one at the port; null where the slice is not.
  [[nodiscard]] const Attachment* attachment_at(PortId port) const {
    const auto local = local_port(port);
    return local ? &attachments_[*local] : nullptr;
  }
  [[nodiscard]] const ForwardingModel& model() const { return *model_; }

  /// After a visit that took so long: the next ones take fewer packets, or more again, so that a visit to a
  /// costly slice takes about kVisitMicroseconds too. `longest`: as many cycles. Requires: the claim.
  void adapt(Cycles cost, Cycles longest);

  /// What it has cost in cycles, but for visits by workers where it is not at home. Any thread.
  [[nodiscard]] uint64_t charges() const;

  Claim claim;

 private:
  uint8_t burst_ = kMostVisited;  // packets that a visit takes from a port; under the claim

 public:
  static constexpr uint16_t kNoCpuSlot = UINT16_MAX;
  uint16_t cpu_slot = kNoCpuSlot;  // its number in the workers' accounts; set before it is published
  std::atomic<uint32_t> moves{0};  // from worker to worker; control and balancing: write, before `home`

  // slice visit: writes, control: reads
  Counter cycles;  // spent on visits

 private:
  /// What its ways out can still take.
  class Rooms final : public OutputRooms {
   public:
    explicit Rooms(const std::vector<Attachment>& attachments) : attachments_(attachments) {}
    [[nodiscard]] uint32_t room(LocalPort port) const override { return attachments_[port].output->room(); }

   private:
    const std::vector<Attachment>& attachments_;
  };

  /// Where and when a visit sends.
  struct Sending {
    Cycles now;
    ForwardingOutputs& scratch;
    ClaimedPorts& exits;
  };
  void forward(LocalPort ingress, Burst& burst, const Sending& sending, uint64_t& sent_to);
  void receive(const OwnIngress& own, const Sending& sending, Visit& visit);
  bool send(std::span<const Packet> packets, const Attachment& attachment, const Sending& sending);
  bool queue(std::span<const Packet> packets, uint32_t buffers, SliceOutput& output);
  void drop_rest(std::span<const Packet> packets, DropReason reason);
  void prepare(std::span<const Packet> packets, const SliceOutput& output, Burst& kept);
  void count_drops(const ForwardingOutputs& outputs);

  // With the claim and the cycles one cache line, all that most visits need.
  std::vector<Attachment> attachments_;  // by LocalPort
  std::unique_ptr<ForwardingModel> model_;
  std::atomic<uint64_t> last_sent_to_{0};  // bit n for local port n: a hint which ports a visit needs
  Priority priority_;
  std::string name_;

 public:
  // slice visit: writes, control: reads; seldom
  DropCounters dropped;
  Counter replicated;        // copies that flooding asked for
  Counter cycles_elsewhere;  // spent on visits by other workers than its own, which had nothing else to do
  Counter throttled;         // cycles in which it had work and was at its CPU cap

  static constexpr std::size_t kNoHome = SIZE_MAX;
  std::atomic<std::size_t> home{kNoHome};  // its worker's number; control and balancing: write

  uint64_t memory_quota = 0;  // packet buffers that it may hold, as configured; set before it is visited
};

}  // namespace bulkhead
