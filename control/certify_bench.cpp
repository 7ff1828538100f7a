// SPDX-License-Identifier: Apache-2.0
#include "control/certify_bench.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "control/cores.hpp"
#include "control/log.hpp"
#include "nic/worker_thread.hpp"
#include "shaper/class_queue.hpp"

namespace bulkhead {
namespace {

constexpr uint32_t kRingPackets = 4095;  // a worker's absence of milliseconds at the rates that are tested

std::string ring_name(std::size_t port) { return fmt::format("test{}", port); }

/// Enough for every queue on a stream's way to be full: its class's, those before it, and the rings'. Where
/// that is more than the most, the test traffic has to wait, and says so.
uint32_t packets_for(std::size_t streams, std::size_t ports) {
  constexpr std::size_t kMost = 1 << 17;
  const std::size_t wanted = streams * 2 * QueueLimit::kLongest + ports * 2 * kRingPackets;
  return static_cast<uint32_t>(std::min(wanted, kMost));
}

Result<std::vector<RingPort>> make_ports(std::size_t count) {
  std::vector<RingPort> ports;
  ports.reserve(count);
  for (std::size_t port = 0; port < count; ++port) {
    auto made = RingPort::create(ring_name(port), kRingPackets);
    if (!made) return std::unexpected(made.error());
    ports.push_back(std::move(*made));
  }
  return ports;
}

Config on_ring_devices(Config config) {
  for (std::size_t port = 0; port < config.ports.size(); ++port)
    config.ports[port].device = RingPort::device_of(ring_name(port));
  config.appliance.eal = without_devices(config.appliance.eal);
  return config;
}

}  // namespace

std::vector<uint32_t> bench_cores(const ApplianceConfig& config, std::vector<uint32_t> usable) {
  const std::size_t most = std::max<std::size_t>(usable.size(), 2) - 1;
  if (config.cores) {
    std::vector<uint32_t> cores;
    for (const uint32_t core : *config.cores)
      if (std::ranges::find(usable, core) != usable.end() && cores.size() < most) cores.push_back(core);
    if (!cores.empty()) return cores;
  }
  const std::size_t wanted = config.cores ? config.cores->size() : config.workers.value_or(most);
  const std::size_t count = std::min(std::max<std::size_t>(wanted, 1), most);
  return {usable.end() - static_cast<std::ptrdiff_t>(count), usable.end()};
}

std::vector<std::string> without_devices(const std::vector<std::string>& arguments) {
  constexpr std::array kDevices = {"-a", "--allow", "-w", "--vdev", "-b", "--block"};
  std::vector<std::string> out;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string& argument = arguments[i];
    const auto names = [&](std::string_view option) {
      return option.starts_with("--") ? argument.substr(0, argument.find('=')) == option
                                      : argument.starts_with(option) && !argument.starts_with("--");
    };
    if (std::ranges::none_of(kDevices, names)) {
      out.push_back(argument);
    } else if (std::ranges::find(kDevices, argument) != kDevices.end()) {
      ++i;  // what it names stands in the next one
    }
  }
  return out;
}

ApplianceResult<std::unique_ptr<CertifyBench>> CertifyBench::start(Config config, std::size_t streams,
                                                                   std::size_t frame_bytes) {
  const std::vector<uint32_t> cores = bench_cores(config.appliance, usable_cores());
  leave_cores_to_workers(cores);
  config = on_ring_devices(std::move(config));
  std::unique_ptr<CertifyBench> bench(new CertifyBench);
  const auto room = static_cast<uint32_t>(frame_bytes);
  const uint32_t packets = packets_for(streams, config.ports.size());
  const Bytes memory{PacketPool::footprint(room).count() * packets * 17 / 16};
  auto eal = Appliance::start_eal(config, memory);
  if (!eal) return std::unexpected(eal.error());
  bench->eal_ = std::move(*eal);
  auto pool = PacketPool::create("test-traffic", packets, room);
  if (!pool) return std::unexpected(pool.error());
  auto ports = make_ports(config.ports.size());
  if (!ports) return std::unexpected(ports.error());
  bench->traffic_.emplace(std::move(*ports), std::move(*pool));
  CertifyBench* const self = bench.get();
  auto appliance = Appliance::start(bench->eal_, std::move(config), cores, [self](const std::string& why) {
    log_error(why);
    self->failed_ = true;
  });
  if (!appliance) return std::unexpected(appliance.error());
  bench->appliance_ = std::move(*appliance);
  return bench;
}

CertifyBench::~CertifyBench() = default;

}  // namespace bulkhead
