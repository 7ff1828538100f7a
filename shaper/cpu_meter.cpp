// SPDX-License-Identifier: Apache-2.0
#include "shaper/cpu_meter.hpp"

#include <algorithm>

namespace bulkhead {
namespace {

// Asking the kernel takes about 1,400 cycles: a twentieth of a percent each millisecond, one percent of a lap
// of 50 us.
constexpr uint64_t kChecksPerSecond = 1'000;
constexpr uint64_t kSuspiciousPerSecond = 20'000;

}  // namespace

void CpuMeter::watch_for_theft() {
  interval_ = Cycles{clock_hz() / kChecksPerSecond};
  suspicious_ = Cycles{clock_hz() / kSuspiciousPerSecond};
  now_ = clock_now();
  next_check_ = now_ + interval_;
  stolen_.emplace(clock_hz(), StolenTime::Moment{.clock = now_, .cpu = thread_cpu_time()});
}

void CpuMeter::slept() {
  const Cycles end = clock_now();
  if (stolen_) stolen_->slept(end - now_);
  now_ = end;
}

Cycles CpuMeter::without_stolen(Cycles lap) {
  // now_ is the end of the lap: what the question itself takes is the next one's.
  const Cycles stolen = stolen_->check({.clock = now_, .cpu = thread_cpu_time()});
  next_check_ = now_ + interval_;
  stolen_total_ += stolen.count();
  const uint64_t deducted = std::min(lap.count(), undeducted_ + stolen.count());
  undeducted_ += stolen.count() - deducted;
  return lap - Cycles{deducted};
}

}  // namespace bulkhead
