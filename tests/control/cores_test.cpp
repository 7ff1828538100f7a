// SPDX-License-Identifier: Apache-2.0
#include "control/cores.hpp"

#include <sched.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <string>
#include <thread>

#include "control/entitlement.hpp"
#include "nic/worker_thread.hpp"

namespace bulkhead {
namespace {

std::string refusal(const ApplianceConfig& config) {
  const auto cores = worker_cores(config);
  return cores ? "accepted" : cores.error().message();
}

TEST_CASE("cores that are not there are refused, with those that are", "[cores]") {
  const std::vector<uint32_t> usable = usable_cores();
  ApplianceConfig missing;
  missing.cores = {1000};
  CHECK(refusal(missing) == "[appliance] cores: core 1000 is not one this process may use; the last one is " +
                                std::to_string(usable.back()));
  ApplianceConfig many;
  many.workers = 200;
  CHECK(refusal(many) == "[appliance] workers: 200 workers need as many cores, this process may use " +
                             std::to_string(usable.size()) + "; lower workers");
}

TEST_CASE("workers get the last cores, or those that were named", "[cores]") {
  const std::vector<uint32_t> usable = usable_cores();
  ApplianceConfig one;
  one.workers = 1;
  CHECK(worker_cores(one) == std::vector<uint32_t>{usable.back()});
  ApplianceConfig named;
  named.cores = {usable.front()};
  CHECK(worker_cores(named) == std::vector<uint32_t>{usable.front()});
}

TEST_CASE("without a number, all cores but one are workers', of those that this process may use", "[cores]") {
  const std::size_t usable = usable_cores().size();
  CHECK(default_workers() == std::max<std::size_t>(usable, 2) - 1);
  // In a thread of its own: affinity is a thread's. On a machine of one or two cores both give one.
  uint32_t limited = 0;
  std::thread([&] {
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(usable_cores().front(), &one);
    REQUIRE(sched_setaffinity(0, sizeof one, &one) == 0);
    limited = default_workers();
  }).join();
  CHECK(limited == 1);
}

TEST_CASE("the calling thread leaves the workers' cores, unless none is left", "[cores]") {
  const std::vector<uint32_t> usable = usable_cores();
  std::vector<uint32_t> others;
  std::vector<uint32_t> all;
  // In threads of their own: affinity is a thread's.
  std::thread([&] {
    leave_cores_to_workers({usable.back()});
    others = usable_cores();
  }).join();
  std::thread([&] {
    leave_cores_to_workers(usable);
    all = usable_cores();
  }).join();
  if (usable.size() > 1) CHECK(std::ranges::find(others, usable.back()) == others.end());
  CHECK(all == usable);
}

}  // namespace
}  // namespace bulkhead
