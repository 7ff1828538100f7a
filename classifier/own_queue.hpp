// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "classifier/slice_table.hpp"
#include "nic/counter.hpp"
#include "nic/packet.hpp"
#include "nic/port.hpp"

namespace bulkhead {

/// What hardware brought a slice at one port: by its own queues, and of marks on the shared queue the wrong
/// ones. Read by control.
struct OwnArrivals {
  // Slice visit: writes
  TrafficCounter received;  // of the slice's packets
  Counter strangers;        // packets that are not the slice's, dropped
  // Receive visit: writes
  Counter marked_strangers;  // likewise, by the shared queue and with the slice's mark

  [[nodiscard]] uint64_t isolation_violations() const { return strangers.read() + marked_strangers.read(); }
};

/// A hardware queue to which flow rules steer one slice's packets, past the demultiplexer. Nothing that
/// hardware says is believed: whose a packet is decides the same table as for the shared queue, and one that
/// is not the slice's goes no further. One thread at a time.
class OwnQueue {
 public:
  struct Place {
    const Port& port;
    PortId id;
    QueueId queue;
    Counter& malformed;  // at the port, by this queue
  };
  /// All that is referred to must outlive the queue.
  OwnQueue(const Place& place, SliceId slice, const SliceTable& table, OwnArrivals& arrivals)
      : place_(place), slice_(slice), table_(table), arrivals_(arrivals) {}

  /// Receives up to `most` packets into a burst that is empty, and leaves the slice's own in it, in their
  /// order. Returns how many were received.
  uint32_t receive(Burst& burst, uint32_t most, Cycles now) const;

 private:
  void drop(Burst& refused, uint32_t malformed) const;

  Place place_;
  SliceId slice_;
  const SliceTable& table_;
  OwnArrivals& arrivals_;
};

}  // namespace bulkhead
