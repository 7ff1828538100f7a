// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>
#include <span>

#include "classifier/forwarding.hpp"
#include "nic/counter.hpp"
#include "shaper/cpu_budgets.hpp"
#include "shaper/cpu_meter.hpp"
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

/// What one worker spent its time on, in cycles: busy + idle + stolen is all of it. Worker: writes, control:
/// reads.
struct WorkerTime {
  Counter busy;    // in rounds that moved packets
  Counter slices;  // of that: for slices, and charged to them. The rest is overhead
  Counter idle;    // in rounds that did not, and in naps
  Counter stolen;  // the worker's core was taken by the kernel or the hypervisor
};

/// One worker's loop: round after round of visits to whatever is ready, until stopped.
class Worker {
 public:
  struct Shared {
    Published<Layout>& layouts;
    std::atomic<Phase>& phase;
    const PacketPool& pool;
    IdlePolicy idle;
    Nanoseconds longest_visit{
        std::chrono::microseconds{kVisitMicroseconds}};  // longer ones are made to take fewer packets
    Nanoseconds longest_round{
        std::chrono::microseconds{20}};  // of visits: then others have waited long enough
  };

  /// `number`: dense, from 0; also the reader number at `layouts`.
  Worker(std::size_t number, const Shared& shared);

  void run(WorkerTime& time);
  /// `run` ended by an exception: what it had in its hands may be another slice's, and it must not go on.
  [[nodiscard]] bool has_failed() const { return has_failed_; }

  /// One round; returns how many packets moved. `meter`: its time is now, and moves on.
  uint32_t round(const Layout& layout, CpuMeter& meter, bool receiving);

 private:
  uint32_t visit_slices(const Layout& layout, CpuMeter& meter);
  std::size_t take_ready(const Layout& layout, std::span<std::size_t> slices);
  std::size_t put_to_wait(const Layout& layout, std::span<std::size_t> slices, Cycles now);
  /// What visits to slices have done.
  struct Visits {
    uint32_t packets = 0;
    std::size_t slices = 0;  // looked at
    bool want_more = false;  // packets may have been left behind
    bool urgent = false;     // what was forwarded is not to wait for more
  };
  Visits visit_and_send(const Layout& layout, std::span<const std::size_t> slices, CpuMeter& meter,
                        Cycles end);
  Visits visit_these(const Layout& layout, std::span<const std::size_t> slices, CpuMeter& meter, Cycles end);
  /// What a few turns have done.
  struct Turns {
    Visits visits;
    bool are_over = false;  // nobody may be visited any more
  };
  Turns take_turns(const Layout& layout, CpuMeter& meter, Cycles end);
  [[nodiscard]] static bool is_urgent(const Layout& layout, std::size_t slice,
                                      const SliceRuntime::Visit& visit);
  void look_for_reserved(const Layout& layout, Cycles now);
  uint32_t visit_waiting(const Layout& layout, CpuMeter& meter, Cycles end);
  uint32_t help_others(const Layout& layout, CpuMeter& meter);
  SliceRuntime::Visit visit_slice(const Layout& layout, std::size_t slice, CpuMeter& meter,
                                  ClaimedPorts& exits);
  SliceRuntime::Visit visit_claimed(const Layout& layout, std::size_t slice, CpuMeter& meter,
                                    ClaimedPorts& exits);
  uint32_t send(const Layout& layout, CpuMeter& meter);
  uint32_t send_enough(const Layout& layout, uint32_t more, CpuMeter& meter);
  [[nodiscard]] Cycles half_round() const { return Cycles{longest_round_.count() / 2}; }
  void account(WorkerTime& time, const CpuMeter& meter, bool was_busy);
  [[nodiscard]] std::chrono::nanoseconds until_next_event(Cycles now) const;

  std::size_t number_;
  Shared shared_;
  bool has_failed_ = false;
  bool receiving_ = false;  // in this round; visits receive too, where a slice has queues of its own
  ForwardingOutputs scratch_;
  CpuBudgets budgets_;
  Cycles longest_visit_;
  Cycles longest_round_;
  std::size_t looked_for_ = 0;        // in Layout::reserved_own: the last
  std::size_t turn_ = 0;              // the slice that is next
  uint32_t unsent_ = 0;               // packets forwarded since it last sent
  std::optional<Cycles> next_event_;  // when a port can send again that waits for its time
  /// Up to where the meter is in the worker's account.
  struct {
    Cycles now;
    uint64_t charged = 0;
    uint64_t stolen = 0;
  } accounted_;
};

}  // namespace bulkhead
