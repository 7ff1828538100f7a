// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>
#include <span>

#include "classifier/forwarding.hpp"
#include "nic/counter.hpp"
#include "shaper/layout.hpp"
#include "shaper/published.hpp"

namespace bulkhead {

enum class IdlePolicy : uint8_t {
  nap,   // sleep up to 50 us when there is nothing to do
  poll,  // never sleep
};

/// How far the data path is on its way to a stop. Control: writes, workers: read.
enum class Phase : uint8_t {
  running,
  draining,  // nothing is received any more, what is queued is forwarded
  stopped,
};

/// What one worker spent its time on. Worker: writes, control: reads.
struct WorkerTime {
  Counter busy;  // cycles of rounds that moved packets
  Counter idle;  // cycles of rounds that did not, and of naps
};

/// One worker's loop: round after round of visits to whatever is ready, until stopped.
class Worker {
 public:
  struct Shared {
    Published<Layout>& layouts;
    std::atomic<Phase>& phase;
    const PacketPool& pool;
    IdlePolicy idle;
  };

  /// `number`: dense, from 0; also the reader number at `layouts`.
  Worker(std::size_t number, const Shared& shared);

  void run(WorkerTime& time);

  /// One round; returns how many packets moved.
  uint32_t round(const Layout& layout, Cycles& now, bool receiving);

 private:
  uint32_t receive(const Layout& layout, Cycles now);
  uint32_t visit_slices(const Layout& layout, Cycles& now);
  uint32_t visit_these(const Layout& layout, std::span<const std::size_t> slices, Cycles& now);
  SliceRuntime::Visit visit_slice(const Layout& layout, std::size_t slice, Cycles& now, ClaimedPorts& exits);
  uint32_t send(const Layout& layout, Cycles& now);
  [[nodiscard]] std::chrono::nanoseconds until_next_event(Cycles now) const;

  std::size_t number_;
  Shared shared_;
  ForwardingOutputs scratch_;
  std::size_t turn_ = 0;              // the slice that is next
  std::optional<Cycles> next_event_;  // when a port can send again that waits for its time
};

}  // namespace bulkhead
