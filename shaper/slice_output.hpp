// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

#include "classifier/drop_reason.hpp"
#include "classifier/egress_tag.hpp"
#include "classifier/packet_queue.hpp"
#include "nic/counter.hpp"
#include "shaper/class_queue.hpp"
#include "shaper/residence_histogram.hpp"
#include "shaper/slice_rates.hpp"

namespace bulkhead {

/// What the data path must know of a port to send to it.
struct EgressLimits {
  uint32_t max_frame = 0;
  bool takes_segments = true;
};

/// What a slice is given at one port: its rates, and where its packets may wait.
struct EgressPlan {
  SliceRates rates;
  ClassQueues::Plan queues;
};

/// A slice's way out at one port. Filled by the worker that visits the slice, emptied by the one that visits
/// the port; each counts on its own side. Between them a ring that no other slice uses: whatever stands in
/// it, or in the class queues behind it, is the slice's own and takes no place from another. Where nobody
/// contends for the port, packets leave past it (ClaimedPorts).
///
/// What a packet on its way touches stands together, and apart by who writes it: with thousands of slices,
/// the cost is the number of cache lines.
struct alignas(64) SliceOutput {
  SliceOutput(const EgressPlan& egress_plan, EgressTag egress_tag, EgressLimits egress_limits)
      : ring(std::min(egress_plan.queues.places, kLongestRing)),
        tag(std::move(egress_tag)),
        limits(egress_limits),
        places(egress_plan.queues.places),
        class_of_pcp(egress_plan.queues.class_of_pcp),
        plan(egress_plan),
        queues(egress_plan.queues) {}

  static constexpr uint32_t kLongestRing = 1024;
  /// What eight classes may hold that have no limit of their own, and again as much for those that have.
  static constexpr uint32_t kMostPlaces = 2 * kMaxClasses * QueueLimit::kLongest;
  static constexpr uint16_t kNoSlot = UINT16_MAX;

  PacketQueue ring;
  EgressTag tag;
  EgressLimits limits;
  uint32_t places;  // packet buffers that may be here at once

  // slice visit: writes
  Counter all_entered;             // packet buffers
  std::array<Counter, 8> entered;  // packets by PCP

  // port visit: writes
  alignas(64) Counter all_left;  // of those: transmitted, or dropped after they had entered
  Counter cycles;                // of visits to the port, for the slice's packets
  uint16_t slot = kNoSlot;       // the slice's number at the port's scheduler, set under its claim
  std::array<uint8_t, 8> class_of_pcp;
  alignas(64) std::array<TrafficCounter, 8> transmitted;  // by PCP
  std::array<Counter, 8> dropped_by_pcp;                  // after they had entered; reasons in `dropped`
  DropCounters dropped;
  ResidenceHistogram residence;

  // port visit: uses; control: changes under the port's egress claim
  EgressPlan plan;
  ClassQueues queues;

  /// How many more packet buffers may enter. Slice visit.
  [[nodiscard]] uint32_t room() const {
    const uint64_t inside = held();
    return inside < places ? places - static_cast<uint32_t>(inside) : 0;
  }

  /// Packet buffers between the slice's visits and the device. Any thread; a moment old.
  [[nodiscard]] uint64_t held() const {
    // What left first: the other way round more could have left than had entered.
    const uint64_t left = all_left.read();
    const uint64_t came = all_entered.read();
    return came > left ? came - left : 0;  // what was queued may leave before it is counted
  }

  /// Why a packet found no room: see SliceInput::full_reason().
  [[nodiscard]] DropReason full_reason() const {
    return places >= kMostPlaces ? DropReason::queue_full : DropReason::memory_quota;
  }

  /// Port visit: a packet of so many buffers was dropped after it had entered. The caller frees it.
  void count_drop(uint8_t pcp, uint32_t buffers, DropReason reason) {
    dropped_by_pcp[pcp].add(1);
    dropped.add(reason, 1);
    all_left.add(buffers);
  }

  /// Fetches what the slice's visit touches, what taking packets reads, and what counting them writes to.
  void prefetch_for_visit() const {
    __builtin_prefetch(&ring, 1);
    __builtin_prefetch(&entered, 1);
    __builtin_prefetch(&all_left, 1);
  }
  void prefetch_for_admission() const {
    __builtin_prefetch(&ring, 1);
    __builtin_prefetch(&all_left, 1);
  }
  void prefetch_for_count() const {
    __builtin_prefetch(&all_left, 1);
    __builtin_prefetch(transmitted.data(), 1);
    __builtin_prefetch(transmitted.data() + 4, 1);
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

}  // namespace bulkhead
