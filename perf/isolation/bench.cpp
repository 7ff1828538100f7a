// SPDX-License-Identifier: Apache-2.0
#include "perf/isolation/bench.hpp"

#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <map>
#include <utility>

#include "classifier/frame_builder.hpp"
#include "control/cores.hpp"
#include "nic/clock.hpp"
#include "nic/worker_thread.hpp"
#include "perf/isolation/stamp.hpp"
#include "tests/support/costly_model.hpp"

namespace bulkhead::perf {
namespace {

constexpr uint32_t kRingPackets = 4095;
constexpr uint32_t kGeneratorPackets = 131071;
constexpr uint32_t kLongestFrame = 1536;

constexpr std::string_view kAppliance =
    "[appliance]\nworkers = 1\nmemory = \"512MiB\"\nidle = \"poll\"\neal = [\"--no-pci\"]\n";

Config without_ports(Bytes memory) {
  Config config;
  config.appliance.memory = memory;
  config.appliance.eal = {"--no-pci"};
  return config;
}

template <class T>
auto need(T result) {
  if (!result) give_up(result.error().message());
  return *std::move(result);
}

std::vector<uint32_t> last_cores(std::size_t count) {
  static const std::vector<uint32_t> usable = usable_cores();  // before anyone was pinned
  return {usable.end() - static_cast<std::ptrdiff_t>(count), usable.end()};
}

/// DPDK knows a ring device by its name until the process ends: each gets one of its own.
std::string fresh_ring() {
  static int made = 0;
  return fmt::format("iso{}", made++);
}

}  // namespace

void give_up(const std::string& why, int status) {
  std::fprintf(stderr, "isolation_bench: %s\n", why.c_str());
  std::exit(status);
}

Ground::Ground(bool quick_run, Bytes memory)
    : quick(quick_run),
      eal(need(Appliance::start_eal(
          without_ports(memory),
          Bytes{PacketPool::footprint(kLongestFrame).count() * (kGeneratorPackets + 1) * 9 / 8}))),
      pool(need(PacketPool::create("generator", kGeneratorPackets, kLongestFrame))) {
  leave_cores_to_workers(last_cores(1));
}

Config Bench::config_of(const std::string& text) {
  auto config = parse_config(std::string(kAppliance) + text, "isolation");
  if (!config) give_up(config.error().to_string());
  return *std::move(config);
}

Bench::Bench(const Ground& ground, const Setup& setup) {
  std::string text;
  std::vector<std::unique_ptr<FarEnd>> ends;
  std::map<std::string, std::shared_ptr<QueueByVid>> queues;  // by port
  for (std::size_t port = 0; port < setup.ports; ++port) {
    const std::string ring = fresh_ring();
    const auto by_vid =
        queues.emplace(fmt::format("p{}", port), std::make_shared<QueueByVid>()).first->second;
    ends.push_back(std::make_unique<RingEnd>(
        need(RingPort::create(ring, kRingPackets, static_cast<uint16_t>(1 + setup.own_queues))), by_vid));
    devices_.push_back(RingPort::device_of(ring));
    text += fmt::format("[[port]]\nname = \"p{}\"\ndevice = \"{}\"\nspeed = \"{}\"\n", port,
                        RingPort::device_of(ring), setup.speed);
  }
  traffic_ = std::make_unique<Traffic>(std::move(ends), ground.pool);
  Config config = config_of(text + setup.more_ports + setup.slices);
  std::vector<std::pair<std::string, uint64_t>> costs;
  for (std::size_t slice = 0; slice < setup.costs.size(); ++slice)
    costs.emplace_back(config.slices[slice].name, setup.costs[slice]);
  const auto decorate = [costs](const SliceConfig& slice,
                                std::unique_ptr<ForwardingModel> model) -> std::unique_ptr<ForwardingModel> {
    for (const auto& [name, cost] : costs)
      if (name == slice.name && cost > 0)
        return std::make_unique<test::CostlyModel>(std::move(model), Cycles{cost});
    return model;
  };
  SteeringSeam steering{
      .profile = [](const std::string&) { return &kVlanNic; },
      .table = [&](const std::string& port,
                   const Port&) { return std::make_unique<VlanNicTable>(queues.at(port)); }};
  if (setup.own_queues == 0) steering = {};
  appliance_ = need(Appliance::start(
      ground.eal, std::move(config), last_cores(setup.workers), [](const std::string& why) { give_up(why); },
      decorate, std::move(steering)));
}

void Bench::measure_to_departure() const {
  for (const std::string& device : devices_) Departure::tell(device);
}

Bench::~Bench() { appliance_.reset(); }

std::string wire_slice(const std::string& name, uint32_t vlan, const std::string& more) {
  return fmt::format(
      "[[slice]]\nname = \"{}\"\nforward = \"wire\"\n{}[[slice.flowspace]]\nport = [\"p0\", \"p1\"]\nvlan = "
      "{}\n",
      name, more, vlan);
}

std::vector<uint8_t> headers_of(uint32_t vlan, uint32_t length) {
  Headers headers;
  headers.vlan = Vlan{static_cast<uint16_t>(vlan)};
  headers.pcp = 0;
  headers.eth_src = MacAddress{0x0200'0000'0000u + vlan};
  headers.eth_dst = MacAddress{0x0200'0001'0000u + vlan};
  headers.ethertype = kEthertypeIpv4;
  headers.ip_src = {IpAddress::Family::v4, {10, 1, 0, static_cast<uint8_t>(vlan)}};
  headers.ip_dst = {IpAddress::Family::v4, {10, 2, 0, static_cast<uint8_t>(vlan)}};
  headers.ip_proto = 17;
  headers.dscp = 0;
  headers.l4_src = 1024;
  headers.l4_dst = 2000;
  std::vector<uint8_t> frame = build_frame(headers);
  frame.resize(46);
  store_be16(&frame[20], static_cast<uint16_t>(length - 18));
  store_be16(&frame[42], static_cast<uint16_t>(length - 38));
  return frame;
}

std::vector<double> cpu_seconds(const Snapshot& snapshot) {
  std::vector<double> seconds;
  for (const Snapshot::Slice& slice : snapshot.slices) seconds.push_back(slice.cpu_seconds);
  return seconds;
}

}  // namespace bulkhead::perf
