// SPDX-License-Identifier: Apache-2.0
#include "nic/worker_thread.hpp"

#include <rte_lcore.h>
#include <sched.h>

#include <catch2/catch.hpp>
#include <optional>
#include <thread>
#include <vector>

#include "tests/support/eal.hpp"
#include "tests/support/frames.hpp"

using namespace bulkhead;
using namespace bulkhead::test;

namespace {

/// The message with which a thread of its own is refused, or nothing.
std::optional<std::string> refusal(std::optional<uint32_t> core) {
  std::optional<std::string> said;
  std::thread([&] {
    const auto entered = WorkerThread::enter(core);
    if (!entered) said = entered.error().message();
  }).join();
  return said;
}

}  // namespace

TEST_CASE("a worker is pinned and known to DPDK while it works", "[worker_thread]") {
  test_eal();
  const uint32_t core = usable_cores().front();
  bool known = false;
  bool known_after = true;
  int ran_on = -1;
  cpu_set_t allowed;
  std::thread([&] {
    {
      const auto entered = WorkerThread::enter(core);
      known = entered && rte_lcore_id() != LCORE_ID_ANY;
      ran_on = sched_getcpu();
      sched_getaffinity(0, sizeof allowed, &allowed);
    }
    known_after = rte_lcore_id() != LCORE_ID_ANY;
  }).join();
  CHECK(known);
  CHECK_FALSE(known_after);
  CHECK(ran_on == static_cast<int>(core));
  CHECK(CPU_COUNT(&allowed) == 1);
}

TEST_CASE("a core that does not exist is refused with a sentence", "[worker_thread]") {
  test_eal();
  CHECK(refusal(1000) ==
        "worker: cannot be pinned to core 1000 (Invalid argument); name a core of this machine in "
        "[appliance] cores");
}

TEST_CASE("a worker without a core runs where the process may", "[worker_thread]") {
  test_eal();
  CHECK(refusal(std::nullopt) == std::nullopt);
}

TEST_CASE("more workers than DPDK numbers are refused, and a place that is given back serves again",
          "[worker_thread]") {
  test_eal();
  std::optional<std::string> said;
  // Each enters while those before it are still at work.
  const auto enter_all = [&](const auto& self, uint32_t depth) -> void {
    std::thread([&] {
      const auto entered = WorkerThread::enter(std::nullopt);
      if (!entered) {
        said = entered.error().message();
      } else if (depth > 0) {
        self(self, depth - 1);
      }
    }).join();
  };
  enter_all(enter_all, RTE_MAX_LCORE);
  REQUIRE(said);
  CHECK(said->starts_with("worker: DPDK takes no further thread ("));
  CHECK(said->ends_with("); lower [appliance] workers"));
  CHECK(refusal(std::nullopt) == std::nullopt);
}

TEST_CASE("a worker that ends leaves no packet in its cache", "[worker_thread]") {
  const PacketPool pool = make_pool(511);
  std::thread([&] {
    const auto entered = WorkerThread::enter(std::nullopt);
    for (uint32_t i = 0; i < 100; ++i) {
      const Packet packet = packet_of(pool, numbered(i));
      free_packets({&packet, 1});
    }
  }).join();
  // The main thread can have them all.
  std::vector<Packet> all;
  for (Packet packet = pool.allocate(); packet.mbuf() != nullptr; packet = pool.allocate())
    all.push_back(packet);
  CHECK(all.size() == 511);
  free_packets(all);
  CHECK(pool.in_use() == 0);
}

TEST_CASE("the usable cores are ascending and not none", "[worker_thread]") {
  const std::vector<uint32_t> cores = usable_cores();
  REQUIRE_FALSE(cores.empty());
  CHECK(std::is_sorted(cores.begin(), cores.end()));
}
