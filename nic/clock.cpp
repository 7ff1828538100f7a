// SPDX-License-Identifier: Apache-2.0
#include "nic/clock.hpp"

#include <rte_cycles.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <ctime>
#include <limits>
#include <thread>

namespace bulkhead {
namespace {

using Wide = unsigned __int128;

constexpr uint64_t kNanosecondsPerSecond = 1'000'000'000;

/// Both clocks at one moment.
struct Moment {
  uint64_t cycles;
  uint64_t nanoseconds;
};

/// Of a few readings the one that was interrupted least.
Moment moment() {
  Moment best{};
  uint64_t narrowest = std::numeric_limits<uint64_t>::max();
  for (int reading = 0; reading < 5; ++reading) {
    timespec time{};
    const uint64_t before = rte_get_tsc_cycles();
    clock_gettime(CLOCK_MONOTONIC_RAW, &time);
    const uint64_t after = rte_get_tsc_cycles();
    if (after - before >= narrowest) continue;
    narrowest = after - before;
    best = {before + (after - before) / 2,
            static_cast<uint64_t>(time.tv_sec) * kNanosecondsPerSecond + static_cast<uint64_t>(time.tv_nsec)};
  }
  return best;
}

/// DPDK rounds the counter's rate to 10 MHz: up to 0.2 % of a common one, and all rates with it.
uint64_t measured_hz() {
  const Moment begin = moment();
  std::this_thread::sleep_for(std::chrono::milliseconds{20});
  const Moment end = moment();
  return static_cast<uint64_t>(Wide{end.cycles - begin.cycles} * kNanosecondsPerSecond /
                               (end.nanoseconds - begin.nanoseconds));
}

}  // namespace

Cycles clock_now() { return Cycles{rte_get_tsc_cycles()}; }

uint64_t clock_hz() {
  static const uint64_t hz = measured_hz();
  return hz;
}

Nanoseconds to_nanoseconds(Cycles time) {
  const Wide wide = Wide{time.count()} * kNanosecondsPerSecond / clock_hz();
  return Nanoseconds{static_cast<int64_t>(std::min<Wide>(wide, std::numeric_limits<int64_t>::max()))};
}

Cycles to_cycles(Nanoseconds time) {
  const auto nanoseconds = static_cast<uint64_t>(std::max<int64_t>(time.count(), 0));
  const Wide wide = Wide{nanoseconds} * clock_hz() / kNanosecondsPerSecond;
  return Cycles{static_cast<uint64_t>(std::min<Wide>(wide, std::numeric_limits<uint64_t>::max()))};
}

Nanoseconds thread_cpu_time() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return std::chrono::seconds{time.tv_sec} + Nanoseconds{time.tv_nsec};
}

}  // namespace bulkhead
