// SPDX-License-Identifier: Apache-2.0
#include "shaper/worker_pool.hpp"

#include <sched.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <mutex>
#include <set>
#include <stdexcept>
#include <thread>

#include "nic/worker_thread.hpp"
#include "tests/support/eal.hpp"

using namespace bulkhead;
using namespace bulkhead::test;

namespace {

/// Two workers, on two cores where the machine has them.
std::vector<uint32_t> two_cores() {
  const std::vector<uint32_t> usable = usable_cores();
  return {usable.front(), usable.back()};
}

struct Failures {
  std::mutex mutex;
  std::vector<std::string> heard;
  void hear(std::string why) {
    const std::lock_guard lock(mutex);
    heard.push_back(std::move(why));
  }
};

}  // namespace

TEST_CASE("every worker runs its task at the same time as the others, on its core", "[worker_pool]") {
  test_eal();
  const std::vector<uint32_t> cores = two_cores();
  std::atomic<int> arrived{0};
  std::atomic<uint32_t> numbers{0};
  std::atomic<bool> on_its_core{true};
  Failures failures;
  {
    auto pool = WorkerPool::start({.cores = cores,
                                   .task =
                                       [&](std::size_t worker) {
                                         numbers |= 1u << worker;
                                         if (sched_getcpu() != static_cast<int>(cores[worker]))
                                           on_its_core = false;
                                         ++arrived;
                                         while (arrived < 2) std::this_thread::yield();
                                       },
                                   .on_failure = [&](std::string why) { failures.hear(std::move(why)); }});
    REQUIRE(pool);
  }  // waits for the tasks' end
  CHECK(arrived == 2);
  CHECK(numbers == 0b11);
  CHECK(on_its_core);
  CHECK(failures.heard.empty());
}

TEST_CASE("a pool can follow a pool, often", "[worker_pool]") {
  test_eal();
  std::atomic<int> runs{0};
  for (int round = 0; round < 20; ++round) {
    const auto pool = WorkerPool::start(
        {.cores = two_cores(), .task = [&](std::size_t) { ++runs; }, .on_failure = [](std::string) {}});
    REQUIRE(pool);
  }
  CHECK(runs == 40);
}

TEST_CASE("a task that throws is reported with a sentence, and the others go on", "[worker_pool]") {
  test_eal();
  const std::vector<uint32_t> cores = two_cores();
  Failures failures;
  std::atomic<bool> other_ran{false};
  {
    const auto pool =
        WorkerPool::start({.cores = cores,
                           .task =
                               [&](std::size_t worker) {
                                 if (worker == 1) throw std::runtime_error("the bearings are hot");
                                 other_ran = true;
                               },
                           .on_failure = [&](std::string why) { failures.hear(std::move(why)); }});
    REQUIRE(pool);
  }
  CHECK(other_ran);
  REQUIRE(failures.heard.size() == 1);
  CHECK(failures.heard[0] == "worker 1 on core " + std::to_string(cores[1]) + ": the bearings are hot");
}

TEST_CASE("what is thrown need not be an exception", "[worker_pool]") {
  test_eal();
  const uint32_t core = usable_cores().front();
  Failures failures;
  {
    const auto pool =
        WorkerPool::start({.cores = {core},
                           .task = [](std::size_t) { throw 7; },
                           .on_failure = [&](std::string why) { failures.hear(std::move(why)); }});
    REQUIRE(pool);
  }
  REQUIRE(failures.heard.size() == 1);
  CHECK(failures.heard[0] == "worker 0 on core " + std::to_string(core) + ": unknown exception");
}

TEST_CASE("a core that does not exist is refused, and no task runs", "[worker_pool]") {
  test_eal();
  std::atomic<bool> ran{false};
  const auto pool = WorkerPool::start({.cores = {usable_cores().front(), 1000},
                                       .task = [&](std::size_t) { ran = true; },
                                       .on_failure = [](std::string) {}});
  REQUIRE_FALSE(pool);
  CHECK(pool.error().message() ==
        "worker: cannot be pinned to core 1000 (Invalid argument); name a core of this machine in "
        "[appliance] cores");
  CHECK_FALSE(ran);
}
