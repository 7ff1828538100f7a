// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "nic/clock.hpp"
#include "shaper/worker.hpp"
#include "tests/shaper/box.hpp"

namespace bulkhead::test {

/// Workers, taken through their rounds by hand, as long as these take: whatever the machine is busy with,
/// the same packets move in each.
struct WorkerBench {
  WorkerBench(const std::string& name, std::size_t ports, const std::vector<SliceSpec>& specs,
              uint32_t ring_size = 1023, const CpuPlan& cpu = {},
              Nanoseconds longest_visit = std::chrono::seconds{1},
              Nanoseconds longest_round = std::chrono::seconds{1})
      : box(name, ports, ring_size) {
    for (const SliceSpec& spec : specs) slices.push_back(Box::slice(spec));
    layouts = std::make_unique<Published<Layout>>(cpu.workers, box.layout(slices, cpu));
    for (std::size_t i = 0; i < cpu.workers; ++i)
      workers.push_back(std::make_unique<Worker>(i, Worker::Shared{.layouts = *layouts,
                                                                   .phase = phase,
                                                                   .pool = box.pool(),
                                                                   .idle = IdlePolicy::poll,
                                                                   .longest_visit = longest_visit,
                                                                   .longest_round = longest_round}));
  }

  uint32_t round(bool receiving = true, std::size_t worker = 0) {
    CpuMeter meter(clock_now());
    return round(meter, receiving, worker);
  }
  uint32_t round(CpuMeter& meter, bool receiving = true, std::size_t worker = 0) {
    return workers[worker]->round(layouts->acquire(worker), meter, receiving);
  }
  void settle() {
    while (round() > 0) {
    }
  }

  Box box;
  std::vector<BoxSlice> slices;
  std::atomic<Phase> phase{Phase::running};
  std::unique_ptr<Published<Layout>> layouts;
  std::vector<std::unique_ptr<Worker>> workers;
};

inline SliceSpec wire_of(const std::string& name, uint16_t left, uint16_t right) {
  return {.name = name, .places = {{.port = 0, .vlans = {left}}, {.port = 1, .vlans = {right}}}};
}

inline constexpr Cycles kCostly{20'000};
inline constexpr std::chrono::microseconds kVisit{5};
inline constexpr std::chrono::microseconds kRound{20};

/// From port 0. What finds the device full, as a worker with too much to do leaves it, is lost there.
inline bool offer(WorkerBench& bench, const Frame& frame) {
  return bench.box.ring(0).offer(bench.box.pool(), frame);
}

/// A burst for each slice, on VLANs 100, 101, ...
inline void flood(WorkerBench& bench, std::size_t slices) {
  for (uint32_t i = 0; i < 64; ++i)
    for (std::size_t slice = 0; slice < slices; ++slice)
      offer(bench, tag(numbered(i), static_cast<uint16_t>(100 + slice)));
}

inline SliceSpec costly(uint16_t vlan, Cycles each) {
  SliceSpec spec = wire_of(std::to_string(vlan), vlan, vlan);
  spec.each = each;
  return spec;
}

}  // namespace bulkhead::test
