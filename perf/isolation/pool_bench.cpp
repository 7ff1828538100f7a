// SPDX-License-Identifier: Apache-2.0
// X9: the appliance's pool of resident tasks beside DPDK's own threads, and what accounting costs, on one
// loop: receive 32 packets from a null device, swap their addresses, send them to another.
#include <rte_eal.h>
#include <rte_launch.h>
#include <rte_lcore.h>

#include <fmt/format.h>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "control/delay_histogram.hpp"
#include "nic/clock.hpp"
#include "nic/counter.hpp"
#include "nic/packet_state.hpp"
#include "nic/port.hpp"
#include "perf/isolation/report.hpp"
#include "shaper/cpu_meter.hpp"
#include "shaper/worker_pool.hpp"

namespace bulkhead::perf {
namespace {

constexpr uint32_t kBurst = 32;
constexpr uint32_t kWorkerCore = 1;
constexpr QueueId kQueue{0};

[[noreturn]] void give_up(const std::string& why) {
  std::fprintf(stderr, "pool_bench: %s\n", why.c_str());
  std::exit(3);
}

template <class T>
auto need(T result) {
  if (!result) give_up(result.error().message());
  return *std::move(result);
}

struct Loop {
  const Port& from;
  const Port& to;
  double seconds;
  // results
  uint64_t packets = 0;
  uint64_t cycles = 0;
  DelayHistogram gaps;  // between the beginnings of two rounds, in cycles

  void swap_addresses(const Burst& burst) const {
    for (const Packet packet : burst.span()) {
      uint8_t* const data = packet.data();
      const uint64_t destination = load_be48(data);
      std::memmove(data, data + 6, 6);
      store_be48(data + 6, destination);
    }
  }

  uint32_t round(Cycles now) const {
    Burst burst;
    const uint32_t got = from.receive(kQueue, burst, kBurst, now);
    swap_addresses(burst);
    const uint32_t sent = to.transmit(kQueue, burst.span());
    if (sent < got) free_packets(burst.span().subspan(sent));
    burst.release();
    return got;
  }

  /// The same for both kinds of threads.
  void run() {
    const Cycles begin = clock_now();
    const Cycles end = begin + Cycles{static_cast<uint64_t>(seconds * static_cast<double>(clock_hz()))};
    Cycles now = begin;
    while (now < end) {
      packets += round(now);
      const Cycles next = clock_now();
      gaps.record((next - now).count());
      now = next;
    }
    cycles = (now - begin).count();
  }

  /// With an account as workers keep it, or without; the clock is read but once in 64 rounds beside it.
  template <bool kAccounting>
  void run_account() {
    const Cycles begin = clock_now();
    const Cycles end = begin + Cycles{static_cast<uint64_t>(seconds * static_cast<double>(clock_hz()))};
    CpuMeter meter(begin);
    if constexpr (kAccounting) meter.watch_for_theft();
    Counter account;
    while (clock_now() < end)
      for (int i = 0; i < 64; ++i) {
        packets += round(begin);
        if constexpr (kAccounting) {
          const uint64_t cost = meter.lap().count();
          meter.charge(cost);
          account.add(cost);
        }
      }
    cycles = (clock_now() - begin).count();
  }
};

void on_pool(const std::function<void()>& task) {
  auto pool = need(WorkerPool::start({.cores = {kWorkerCore},
                                      .task = [&](std::size_t) { task(); },
                                      .on_failure = [](const std::string& why) { give_up(why); }}));
}

void on_lcore(const std::function<void()>& task) {
  const auto call = [](void* function) {
    (*static_cast<const std::function<void()>*>(function))();
    return 0;
  };
  if (rte_eal_remote_launch(call, const_cast<std::function<void()>*>(&task), kWorkerCore) != 0)
    give_up("DPDK's thread on core 1 does not take work; give --lcores=0@0,1@1");
  rte_eal_wait_lcore(kWorkerCore);
}

struct Values {
  std::vector<double> rate, gap, cycles;
};

void measure(const Port& from, const Port& to, double seconds, Values& values, auto&& where) {
  Loop loop{.from = from, .to = to, .seconds = seconds, .gaps = {}};
  where([&] { loop.run(); });
  values.rate.push_back(static_cast<double>(loop.packets) / seconds / 1e6);
  values.gap.push_back(static_cast<double>(loop.gaps.quantile(0.999)));
}

template <bool kAccounting>
double cycles_each(const Port& from, const Port& to, double seconds) {
  Loop loop{.from = from, .to = to, .seconds = seconds, .gaps = {}};
  on_lcore([&] { loop.run_account<kAccounting>(); });
  return static_cast<double>(loop.cycles) / static_cast<double>(loop.packets);
}

void threads(const Port& from, const Port& to, int times, double seconds) {
  Values pool, lcore;
  std::vector<double> rates, gaps;
  for (int i = 0; i < times; ++i) {
    measure(from, to, seconds, pool, on_pool);
    measure(from, to, seconds, lcore, on_lcore);
    rates.push_back(pool.rate.back() / lcore.rate.back());
    gaps.push_back(pool.gap.back() / lcore.gap.back());
  }
  print({.experiment = "X9",
         .what = "a resident task of the pool, packets a second",
         .ours = median(pool.rate),
         .unit = "Mpps",
         .beside = "DPDK lcore",
         .theirs = median(lcore.rate),
         .asked = "at least 0.98",
         .met = median(rates) >= 0.98,
         .note = fmt::format("median ratio {:.3f}", median(rates))});
  print({.experiment = "X9",
         .what = "p99.9 of the gap between rounds",
         .ours = median(pool.gap),
         .unit = "cycles",
         .beside = "DPDK lcore",
         .theirs = median(lcore.gap),
         .asked = "at most 1.1 times",
         .met = median(gaps) <= 1.1,
         .note = fmt::format("median ratio {:.3f}", median(gaps))});
}

void accounting(const Port& from, const Port& to, int times, double seconds) {
  std::vector<double> with, without, more;
  for (int i = 0; i < times; ++i) {
    without.push_back(cycles_each<false>(from, to, seconds));
    with.push_back(cycles_each<true>(from, to, seconds));
    more.push_back(with.back() - without.back());
  }
  print({.experiment = "X9",
         .what = "an account for each burst of 32",
         .ours = median(with),
         .unit = "cycles per packet",
         .beside = "without",
         .theirs = median(without),
         .asked = "at most 2 more",
         .met = median(more) <= 2,
         .note = fmt::format("median difference {:.2f}", median(more))});
}

}  // namespace
}  // namespace bulkhead::perf

/// usage: pool_bench EAL-ARGUMENTS -- [--quick]
int main(int count, char** values) {
  using namespace bulkhead;
  using namespace bulkhead::perf;
  const int used = rte_eal_init(count, values);
  if (used < 0) give_up("DPDK does not start");
  const bool quick = used + 1 < count && std::strcmp(values[used + 1], "--quick") == 0;
  if (const auto reserved = reserve_packet_state(); !reserved) give_up(reserved.error().message());
  {
    PacketPool pool = need(PacketPool::create("packets", 8191, 2048));
    const Port from = need(Port::open({.name = "source", .device = "net_null0,size=60"}, pool));
    const Port to = need(Port::open({.name = "sink", .device = "net_null1,no-rx=1"}, pool));
    threads(from, to, quick ? 1 : 7, quick ? 0.1 : 0.7);
    accounting(from, to, quick ? 1 : 15, quick ? 0.1 : 0.3);
  }
  rte_eal_cleanup();
}
