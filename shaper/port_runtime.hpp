// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "classifier/drop_reason.hpp"
#include "nic/port.hpp"
#include "shaper/claim.hpp"
#include "shaper/egress.hpp"
#include "shaper/egress_changes.hpp"

namespace bulkhead {

/// A port at work. Lives as long as its configuration stays the same, across reloads. Its two directions are
/// visited apart, each by one worker at a time.
struct PortRuntime {
  PortRuntime(std::string port_name, Port open_port, const Egress::Options& options)
      : name(std::move(port_name)),
        port(std::move(open_port)),
        own_queues(std::make_unique<OwnQueueState[]>(port.own_queues() + std::size_t{1})),
        egress(port, options) {}
  PortRuntime(const PortRuntime&) = delete;
  PortRuntime& operator=(const PortRuntime&) = delete;

  const std::string name;
  Port port;  // control: replaces, while the port is withdrawn

  Claim receive_claim;     // of the shared queue
  DropCounters unclaimed;  // receive visit: writes, control: reads

  /// A queue. Whose it is, a layout says; workers may have different ones for a moment. Of the shared one,
  /// which has the port's receive claim, only `sorted` and `emptied` are used.
  struct OwnQueueState {
    Claim claim;
    // Under the claim: writes, control: reads
    Counter malformed;  // of what came by it
    Counter sorted;     // while it is everybody's: packets that came by it
    Counter emptied;    // likewise: times that it had been emptied

    void count_sorted(uint32_t packets, uint32_t burst) {
      if (packets > 0) sorted.add(packets);
      if (packets % burst != 0 || packets == 0) emptied.add(1);
    }
  };
  const std::unique_ptr<OwnQueueState[]> own_queues;  // by number

  Claim egress_claim;
  Egress egress;          // under egress_claim
  EgressChanges changes;  // to the egress

  /// What befell the device. Control: writes and reads, under a lock of its own.
  struct History {
    PortTrouble trouble = PortTrouble::none;  // now: for it, the port is out of service
    uint64_t resets = 0;
    uint64_t removals = 0;
    PortStatistics before;  // of the device, until it was last closed
  };
  History history;

  // For the control thread, where the device has to be closed and opened again under the layout that is in
  // force. Other ports are visited as ever.

  /// Takes the port from the workers, once the visits that are going on have ended. What slices send waits.
  void withdraw();
  /// Gives back the way out alone: what slices send there is dropped. Requires: withdrawn, or done.
  void drop_what_is_sent();
  /// Gives all back. Requires: withdrawn, and the device is open with as many queues as before.
  void admit();

 private:
  bool is_withdrawn_ = false;       // control: has the claims but for that of the way out,
  bool has_taken_way_out_ = false;  // and that one
};

}  // namespace bulkhead
