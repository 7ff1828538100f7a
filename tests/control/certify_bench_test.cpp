// SPDX-License-Identifier: Apache-2.0
#include "control/certify_bench.hpp"

#include <catch2/catch.hpp>

namespace bulkhead {
namespace {

using Cores = std::vector<uint32_t>;
using Arguments = std::vector<std::string>;

ApplianceConfig appliance(std::optional<uint32_t> workers, std::optional<Cores> cores) {
  ApplianceConfig config;
  config.workers = workers;
  config.cores = std::move(cores);
  return config;
}

}  // namespace

TEST_CASE("workers get the cores that are configured, as far as one is left for the traffic") {
  CHECK(bench_cores(appliance({}, {}), {0, 1, 2, 3}) == Cores{1, 2, 3});
  CHECK(bench_cores(appliance(2, {}), {0, 1, 2, 3}) == Cores{2, 3});
  CHECK(bench_cores(appliance(8, {}), {0, 1}) == Cores{1});
  CHECK(bench_cores(appliance(1, {}), {5}) == Cores{5});
  CHECK(bench_cores(appliance({}, Cores{1, 2}), {0, 1, 2, 3}) == Cores{1, 2});
  CHECK(bench_cores(appliance({}, Cores{0, 1, 2}), {0, 1}) == Cores{0});
  CHECK(bench_cores(appliance({}, Cores{8, 9}), {0, 1, 2}) == Cores{1, 2});
}

TEST_CASE("DPDK is told of no device") {
  CHECK(without_devices({"--no-huge", "--vdev=net_null0", "-a", "0000:3b:00.0", "--vdev", "net_tap0", "-l1",
                         "-a0000:3b:00.1", "--allow=0000:3b:00.2"}) == Arguments{"--no-huge", "-l1"});
}

}  // namespace bulkhead
