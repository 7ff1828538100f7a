// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "nic/clock.hpp"
#include "perf/isolation/experiments.hpp"
#include "perf/isolation/replay.hpp"
#include "perf/isolation/report.hpp"

namespace bulkhead::perf {

/// Captures are replayed by the workers themselves, so that no generator needs a core.
void second_worker(const Ground& ground) {
  const Replay replay(2, 8);
  for (const uint64_t cost : ground.quick ? std::vector{300u} : std::vector{0u, 300u, 2000u}) {
    std::vector<double> one;
    std::vector<double> two;
    std::vector<double> ratios;
    for (int i = 0; i < ground.times(5); ++i) {
      one.push_back(replay.rate(ground, 4, 1, 0.5, cost));
      two.push_back(replay.rate(ground, 4, 2, 0.5, cost));
      ratios.push_back(two.back() / one.back());
    }
    print({.experiment = "X9",
           .what = fmt::format("two workers, 8 slices, two pairs of ports, {} more cycles a packet", cost),
           .ours = median(two) / 1e6,
           .unit = "Mpps",
           .beside = "one worker",
           .theirs = median(one) / 1e6,
           .asked = "at least 1.8 times",
           .met = median(ratios) >= 1.8,
           .note = fmt::format("median ratio {:.2f}; no generator, but the second core is also the machine's",
                               median(ratios))});
  }
}

/// Two workers have both cores: the generator, which sends a little and sleeps, takes its moments from them.
void moves(const Ground& ground) {
  Bench bench(ground,
              {.slices = wire_slice("moving", 1) + wire_slice("other", 2), .speed = "100Gbps", .workers = 2});
  const std::vector<Stream> streams{{.headers = headers_of(1), .rate = 200'000},
                                    {.headers = headers_of(2), .rate = 200'000}};
  std::vector<double> took;
  std::size_t home = 0;
  Cycles next = clock_now();
  const Cycles step{clock_hz() / 5000};
  bench.traffic().each_round = [&](Cycles now) {
    // Lets a worker that shares the generator's core have it.
    std::this_thread::sleep_for(std::chrono::microseconds(20));
    if (now < next) return;
    next = now + step;
    const Cycles begin = clock_now();
    bench.appliance().place(0, home ^= 1);
    took.push_back(static_cast<double>((clock_now() - begin).count()) / static_cast<double>(clock_hz()) *
                   1e6);
  };
  const Measured measured = bench.run(streams, {.warm_up = 0.2, .window = ground.seconds(3)});
  bench.traffic().each_round = nullptr;
  const Outcome& moving = measured.streams.front();
  print({.experiment = "X9",
         .what = fmt::format("the call that moves a slice, median of {}", took.size()),
         .ours = median(took),
         .unit = "us",
         .asked = "under 10",
         .met = median(took) < 10});
  // The call marks the new home and returns; what a move costs is how long a packet waits for it.
  const Outcome& staying = measured.streams[1];
  print({.experiment = "X9",
         .what = "p99.9 delay of packets of a slice that moves thousands of times a second",
         .ours = moving.delay_us(0.999),
         .unit = "us",
         .beside = "of one that stays",
         .theirs = staying.delay_us(0.999)});
  print({.experiment = "X9",
         .what = "packets lost by moves",
         .ours = static_cast<double>(moving.sent - moving.received),
         .unit = "packets",
         .asked = "0",
         .met = moving.sent == moving.received,
         .note =
             fmt::format("of {} sent; {} of them found the device full, as a slice that stays lost {} of {}",
                         moving.sent, moving.refused, measured.streams[1].sent - measured.streams[1].received,
                         measured.streams[1].sent)});
  print({.experiment = "X9",
         .what = "packets reordered by moves",
         .ours = static_cast<double>(moving.reordered),
         .unit = "packets",
         .asked = "0",
         .met = moving.reordered == 0});
}

}  // namespace bulkhead::perf
