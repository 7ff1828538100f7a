// SPDX-License-Identifier: Apache-2.0
#include "control/certify_bench.hpp"

#include "control/certify_run.hpp"
#include "tests/control/config_text.hpp"

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

/// Two classes, of which the first is promised `guarantee` and the second half of the slice.
Config two_classes(const std::string& guarantee) {
  return accepted("[appliance]\nmemory = \"64MiB\"\neal = [\"--no-huge\"]\n" + std::string(kTwoPorts) +
                  "speed = \"100Mbps\"\n[[slice]]\nname = \"lab\"\nforward = \"wire\"\n"
                  "flowspace = [{port = [\"uplink\", \"office\"], vlan = 7}]\n"
                  "bandwidth = {guarantee = \"10Mbps\", ceiling = \"10Mbps\"}\n"
                  "class = [{pcp = 5, guarantee = \"" +
                  guarantee + "\"}, {pcp = [0, 1, 2, 3, 4, 6, 7], guarantee = \"5Mbps\"}]\n");
}

/// The row of the first class's guarantee, alone with the second.
CertifyRow guarantee_row(CertifyBench& bench, const std::vector<CertifySubject>& subjects) {
  for (const CertifyRound& round : certify_rounds(subjects))
    if (step_name(round.front().target, round.front().step) == "pcp 5 guarantee")
      return run_certify_round(bench, round, std::chrono::milliseconds{200}).at(0);
  FAIL("no such round");
  return {};
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

// That the right one passes is looked at by certify_program.py, which knows of machines that have other work.
TEST_CASE("a class gets what its guarantee says; whoever expects more finds that it does not pass") {
  Config right = two_classes("1Mbps");
  const std::vector<CertifySubject> subjects = certify_subjects(right, {});
  auto bench = CertifyBench::start(std::move(right), 4, 2048);
  if (!bench) FAIL(bench.error().message());
  const CertifyRow passing = guarantee_row(**bench, subjects);
  CHECK(passing.step.expected == 1_Mbps);
  CHECK(passing.result.received > 0_bps);
  CHECK(passing.result.reordered == 0);
  CHECK(passing.result.others > 0_bps);

  Config wrong = two_classes("5Mbps");  // the running one gives 1 and a half of 4
  const std::vector<CertifySubject> expecting = certify_subjects(wrong, {});
  const CertifyRow failing = guarantee_row(**bench, expecting);
  CHECK(failing.step.expected == 5_Mbps);
  CHECK(failing.verdict.outcome != CertifyVerdict::Outcome::passed);
  INFO(failing.verdict.why);
  CHECK(failing.result.received < 4_Mbps);
}

}  // namespace bulkhead
