// SPDX-License-Identifier: Apache-2.0
#include "shaper/receiving.hpp"

#include <algorithm>
#include <bit>

namespace bulkhead {
namespace {

constexpr uint32_t kReceiveBurst = 64;      // packets taken from a port in one visit
constexpr uint32_t kMostReceived = 256;     // packets taken where they are spread thinly over the same slices
constexpr uint32_t kMostInOverload = 1024;  // with work left: as many as a device holds for the next round
constexpr uint32_t kPerVisit = 4;           // packets that a visit ought to find: it costs as much as they do
constexpr QueueId kSharedQueue{0};

struct Received {
  uint32_t packets = 0;
  bool has_more = false;  // the device may have
};

/// Whether the next burst would give the slices that are ready more packets a visit: they have few, and the
/// last burst was mostly for slices that had some already.
bool more_would_join(const ReadySet& ready, uint32_t taken) {
  uint32_t slices = 0;
  for (std::size_t word = 0; word < ready.words(); ++word)
    slices += static_cast<uint32_t>(std::popcount(ready.marks(word)));
  return slices * kPerVisit > taken && slices * 2 <= taken + kReceiveBurst;
}

/// One worker's round of receiving.
class Receiving {
 public:
  Receiving(const Layout& layout, CpuMeter& meter, bool overload)
      : layout_(layout), meter_(meter), overload_(overload) {}

  /// In overload, up to the moment `enough`; a burst of each queue in any case.
  Received at(const Layout::PortPlace& place, Cycles enough) {
    Received all;
    if (!place.runtime->receive_claim.try_take()) return all;
    for (const QueueId queue : place.shared_queues) {
      // A worker with another layout may have it for a moment yet.
      Claim* const claim = queue == kSharedQueue ? nullptr : &place.runtime->own_queues[queue.value()].claim;
      if (claim != nullptr && !claim->try_take()) continue;
      const Received received = from(queue, place, enough);
      all.packets += received.packets;
      all.has_more = all.has_more || received.has_more;
      place.runtime->own_queues[queue.value()].count_sorted(received.packets, kReceiveBurst);
      if (claim != nullptr) claim->release();
    }
    place.runtime->receive_claim.release();
    return all;
  }

 private:
  Received from(QueueId queue, const Layout::PortPlace& place, Cycles enough) {
    const uint32_t most = overload_ ? kMostInOverload : kMostReceived;
    uint32_t taken = 0;
    while (taken < most) {
      Burst burst;
      const uint32_t got = place.runtime->port.receive(queue, burst, kReceiveBurst, meter_.now());
      taken += got;
      if (got > 0) {
        place.demultiplexer->run(burst);
        meter_.charge(place.demultiplexer->charge(meter_.lap().count()));
      }
      if (got < kReceiveBurst) return {.packets = taken, .has_more = false};
      // With work left, what is not received now may be lost at the device before the round is over.
      if (overload_ ? meter_.now() >= enough : !more_would_join(layout_.ready(), taken)) break;
    }
    return {.packets = taken, .has_more = true};
  }

  const Layout& layout_;
  CpuMeter& meter_;
  bool overload_;
};

}  // namespace

uint32_t receive_shared(const Layout& layout, CpuMeter& meter, const ReceivingLimits& limits) {
  Receiving receiving(layout, meter, limits.overload);
  uint32_t moved = 0;
  uint64_t have_more = 0;
  // Sorting leaves time to forward: a worker that receives all it can would forward nothing any more. A port
  // has a part of that time; what it does not need of it is for those behind it, and at last for all.
  Cycles enough = meter.now();
  const Cycles part{limits.longest.count() / std::max<std::size_t>(1, layout.ports().size())};
  for (std::size_t port = 0; port < layout.ports().size(); ++port) {
    enough += part;
    const Received received = receiving.at(layout.ports()[port], enough);
    moved += received.packets;
    if (received.has_more) have_more |= uint64_t{1} << port;
  }
  if (limits.overload)
    for_each_bit(have_more, [&](uint32_t port) {
      if (meter.now() < enough) moved += receiving.at(layout.ports()[port], enough).packets;
    });
  return moved;
}

}  // namespace bulkhead
