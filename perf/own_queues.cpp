// SPDX-License-Identifier: Apache-2.0
// What hardware queues save: a port whose queues are filled each from a capture of its own, as a NIC with
// flow rules would fill them, against the same captures where no queue is a slice's. The check of every
// packet is on.
//
// usage: own_queues queue|software SECONDS SHARED_CAPTURE CAPTURE...     prints cycles per packet that left
// CAPTURE n is VLAN n's. SHARED_CAPTURE comes by the shared queue: nothing for "queue", all VLANs' for
// "software", which replays no other. Memory in hugepages; the worker on core 1.
#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "control/appliance.hpp"
#include "nic/clock.hpp"
#include "perf/vlan_nic.hpp"

using namespace bulkhead;

namespace {

[[noreturn]] void give_up(const std::string& why) {
  std::fprintf(stderr, "own_queues: %s\n", why.c_str());
  std::exit(1);
}

Config config_of(bool steered, const std::vector<std::string>& captures) {
  std::string device = "net_pcap0,infinite_rx=1";
  for (std::size_t queue = 0; queue < (steered ? captures.size() : 1); ++queue)
    device += ",rx_pcap=" + captures[queue];
  std::string text = fmt::format(R"([appliance]
cores = "1"
memory = "512MiB"
idle = "poll"
eal = ["--no-pci", "--file-prefix=bulkhead-perf-own"]
[[port]]
name = "source"
device = "{}"
speed = "100Gbps"
flow_rules = "{}"
[[port]]
name = "sink"
device = "net_null0,no-rx=1"
speed = "100Gbps"
flow_rules = "software"
)",
                                 device, steered ? "auto" : "software");
  for (std::size_t vlan = 1; vlan < captures.size(); ++vlan)
    text += fmt::format(
        "[[slice]]\nname = \"s{0}\"\nforward = \"wire\"\nflowspace = [{{port = [\"source\", \"sink\"], "
        "vlan = {0}}}]\n",
        vlan);
  auto config = read_config(text, "own_queues");
  if (!config.faults.empty()) give_up(config.faults.front().message);
  return std::move(config.config);
}

struct Counts {
  uint64_t transmitted = 0;
  uint64_t received = 0;
  uint64_t by_own_queue = 0;
  uint64_t violations = 0;
  double cpu_seconds = 0;
  double busy_seconds = 0;
};

Counts counts_of(const Appliance& appliance) {
  const Snapshot seen = appliance.snapshot();
  Counts counts{.transmitted = seen.ports.at(1).transmitted.packets};
  counts.busy_seconds = seen.workers.at(0).busy_seconds;
  for (const Snapshot::Slice& slice : seen.slices) {
    const Snapshot::SlicePort& port = slice.ports.at(0);
    if (port.received.packets == 0) give_up("slice " + slice.name + " received nothing");
    counts.cpu_seconds += slice.cpu_seconds;
    counts.received += port.received.packets;
    counts.by_own_queue += port.received_by_own_queue;
    counts.violations += port.isolation_violations;
  }
  return counts;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 5) give_up("usage: own_queues queue|software SECONDS SHARED_CAPTURE CAPTURE...");
  const bool steered = std::string(argv[1]) == "queue";
  const double seconds = std::atof(argv[2]);
  Config config = config_of(steered, {argv + 3, argv + argc});
  auto eal = Appliance::start_eal(config, Bytes{0});
  if (!eal) give_up(eal.error().message());
  SteeringSeam seam{
      .profile = [](const std::string& port) { return port == "source" ? &perf::kVlanNic : nullptr; },
      // The captures are what its rules would have done.
      .table =
          [](const std::string&, const Port&) {
            return std::make_unique<perf::VlanNicTable>(std::make_shared<perf::QueueByVid>());
          }};
  auto appliance = Appliance::start(
      *eal, std::move(config), {1}, [](std::string why) { give_up(why); }, nullptr, std::move(seam));
  if (!appliance) give_up(appliance.error().message());
  std::this_thread::sleep_for(std::chrono::milliseconds{300});
  const Counts before = counts_of(**appliance);
  std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
  const Counts after = counts_of(**appliance);
  // The counters are read while they move.
  const double own = static_cast<double>(after.by_own_queue - before.by_own_queue) /
                     static_cast<double>(after.received - before.received);
  if (after.violations > 0) give_up("a packet came by a wrong queue");
  if (steered ? own < 0.999 : own > 0) give_up("packets did not come by the queues that were to be measured");
  const double charged = after.cpu_seconds - before.cpu_seconds;
  std::printf(
      "%.1f %.3f\n",
      charged * static_cast<double>(clock_hz()) / static_cast<double>(after.transmitted - before.transmitted),
      charged / (after.busy_seconds - before.busy_seconds));
  return 0;
}
