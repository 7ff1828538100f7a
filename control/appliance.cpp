// SPDX-License-Identifier: Apache-2.0
#include "control/appliance.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "control/build_slice.hpp"
#include "control/entitlement.hpp"
#include "control/isolation.hpp"
#include "control/log.hpp"
#include "nic/clock.hpp"

namespace bulkhead {
namespace {

bool is_pci(const std::string& device) {
  return !device.starts_with("net_") && device.find(':') != std::string::npos;
}

Result<Eal> start_eal(const Config& config) {
  EalOptions options{.memory = config.appliance.memory,
                     .pci_devices = {},
                     .arguments = config.appliance.eal,
                     .log = [](std::string_view line) { log_info(fmt::format("DPDK: {}", line)); }};
  for (const PortConfig& port : config.ports)
    if (is_pci(port.device)) options.pci_devices.push_back(device_name(port.device));
  return Eal::start(options);
}

std::unexpected<ApplianceFault> refuse(std::string message) {
  return std::unexpected(ApplianceFault(Error(std::move(message)), ApplianceFault::Kind::refused));
}

/// What the devices promise must be enough for the guarantees: known only now that they are open.
ApplianceResult<void> prove_on_devices(const Config& config,
                                       const std::vector<std::shared_ptr<PortRuntime>>& ports,
                                       uint32_t workers, const PacketMemory& memory) {
  Resources resources{.port_speeds = {}, .workers = workers, .memory = memory};
  for (std::size_t port = 0; port < ports.size(); ++port) {
    const BitsPerSecond reported = ports[port]->port.link().speed;
    const bool known = reported.count() > 0;
    if (!known && !config.ports[port].speed)
      return refuse(fmt::format("port {}: its device reports no speed; write one, such as speed = \"10Gbps\"",
                                config.ports[port].name));
    resources.port_speeds.push_back(known ? std::optional(reported) : std::nullopt);
  }
  const std::vector<ConfigFault> faults = prove_isolation(config, resources);
  if (faults.empty()) return {};
  std::string text = ConfigFaults{.file = config.file, .faults = faults}.to_string();
  while (text.ends_with('\n')) text.pop_back();
  return refuse(text);
}

}  // namespace

ApplianceResult<std::unique_ptr<Appliance>> Appliance::start(Config config, std::vector<uint32_t> cores,
                                                             std::function<void(std::string)> on_failure) {
  auto eal = start_eal(config);
  if (!eal) return std::unexpected(eal.error());
  const PacketMemory memory = packet_memory(config);
  auto pool = PacketPool::create("packets", memory.packets, memory.data_room);
  if (!pool) return std::unexpected(pool.error());

  std::unique_ptr<Appliance> appliance(new Appliance(std::move(*eal), std::move(*pool), std::move(cores)));
  const IdlePolicy idle =
      config.appliance.idle == ApplianceConfig::Idle::poll ? IdlePolicy::poll : IdlePolicy::nap;
  auto first = appliance->build(std::move(config));
  if (!first) return std::unexpected(first.error());
  auto dataplane =
      Dataplane::start({.cores = appliance->cores_, .idle = idle, .on_failure = std::move(on_failure)},
                       appliance->pool_, std::move(first->layout));
  if (!dataplane) return std::unexpected(dataplane.error());
  // A worker that is a second behind does not visit: the slowest round takes milliseconds.
  appliance->watch_.emplace(appliance->cores_.size(), Cycles{clock_hz()}, clock_now());
  appliance->dataplane_ = std::move(*dataplane);
  appliance->put_in_force(std::move(*first));
  return appliance;
}

Appliance::Appliance(Eal eal, PacketPool pool, std::vector<uint32_t> cores)
    : eal_(std::move(eal)), pool_(std::move(pool)), cores_(std::move(cores)) {}

Appliance::~Appliance() { stop(std::chrono::nanoseconds{0}); }

ApplianceResult<void> Appliance::reload(Config config) {
  if (config.appliance != config_.appliance || config.stats != config_.stats)
    return refuse(fmt::format(
        "{}: [appliance] and [stats] cannot change while the appliance runs; restart it, or leave "
        "them as they are",
        config.file));
  const bool released = needs_device_of_another(config);
  if (released) release_changed_ports(config);
  auto next = build(std::move(config));
  if (next) {
    put_in_force(std::move(*next));
    return {};
  }
  if (!released) return std::unexpected(next.error());
  // What was released is opened again; what was kept is still there.
  auto back = build(config_);
  if (!back)
    return fail(fmt::format("{}; and the old configuration could not be restored: {}", next.error().message(),
                            back.error().message()));
  const std::lock_guard lock(mutex_);
  run(std::move(*back));
  return std::unexpected(next.error());
}

void Appliance::stop(std::chrono::nanoseconds patience) {
  const std::lock_guard lock(mutex_);
  if (std::exchange(stopped_, true) || !dataplane_) return;
  dataplane_->stop(patience);
}

ApplianceResult<Appliance::Running> Appliance::build(Config config) const {
  auto ports = build_ports(config);
  if (!ports) return std::unexpected(ports.error());
  const auto workers = static_cast<uint32_t>(cores_.size());
  const PacketMemory memory{.data_room = pool_.data_room(), .packets = pool_.capacity()};
  if (auto proved = prove_on_devices(config, *ports, workers, memory); !proved)
    return std::unexpected(proved.error());
  auto table = SliceTable::compile(flowspace_entries(config));
  if (!table) return std::unexpected(table.error());
  Slices slices = build_slices(config, queue_capacities(config, memory, workers), *ports);
  auto layout = std::make_unique<Layout>(generation_ + 1, std::move(*table), *ports, slices);
  return Running{.config = std::move(config),
                 .ports = std::move(*ports),
                 .slices = std::move(slices),
                 .layout = std::move(layout)};
}

Result<Appliance::Ports> Appliance::build_ports(const Config& config) const {
  Ports ports;
  const MicrosecondScale scale(clock_hz());
  for (const PortConfig& wanted : config.ports) {
    if (auto same = unchanged_port(wanted)) {
      ports.push_back(std::move(same));
      continue;
    }
    auto port = Port::open({.name = wanted.name,
                            .device = wanted.device,
                            .receive_descriptors = kDescriptors,
                            .transmit_descriptors = kDescriptors},
                           pool_);
    if (!port) return std::unexpected(port.error());
    ports.push_back(std::make_shared<PortRuntime>(wanted.name, std::move(*port), scale));
  }
  return ports;
}

Appliance::Slices Appliance::build_slices(const Config& config, const std::vector<uint32_t>& queue_capacities,
                                          const Ports& ports) const {
  Slices slices;
  const auto limits = [&](PortId id) {
    const Port& port = ports[id.value()]->port;
    return EgressLimits{.max_frame = port.max_frame(), .takes_segments = port.takes_segments()};
  };
  for (std::size_t slice = 0; slice < config.slices.size(); ++slice) {
    auto same = unchanged_slice(config.slices[slice], ports);
    slices.push_back(same ? std::move(same)
                          : build_slice(config.slices[slice], queue_capacities[slice], limits));
  }
  return slices;
}

std::shared_ptr<PortRuntime> Appliance::unchanged_port(const PortConfig& config) const {
  const auto found = std::ranges::find(config_.ports, config);
  return found == config_.ports.end() ? nullptr
                                      : ports_[static_cast<std::size_t>(found - config_.ports.begin())];
}

std::shared_ptr<SliceRuntime> Appliance::unchanged_slice(const SliceConfig& config,
                                                         const Ports& ports) const {
  const auto found = std::ranges::find(config_.slices, config);
  if (found == config_.slices.end()) return nullptr;
  // Port numbers are places in the file: the same number must still be the same device.
  for (const PortId port : config.ports())
    if (port.value() >= ports_.size() || ports_[port.value()] != ports[port.value()]) return nullptr;
  return slices_[static_cast<std::size_t>(found - config_.slices.begin())];
}

bool Appliance::needs_device_of_another(const Config& next) const {
  return std::ranges::any_of(next.ports, [&](const PortConfig& wanted) {
    return !unchanged_port(wanted) && std::ranges::any_of(config_.ports, [&](const PortConfig& old) {
      return device_name(old.device) == device_name(wanted.device);
    });
  });
}

/// Takes the ports that change out of service, so that their devices can be opened again under another name
/// or with other arguments. All slices pause meanwhile; those that stay keep their state.
void Appliance::release_changed_ports(const Config& next) {
  auto nothing = SliceTable::compile({});
  if (!nothing) return;
  dataplane_->publish(std::make_unique<Layout>(generation_, std::move(*nothing), Ports{}, Slices{}));
  const std::lock_guard lock(mutex_);
  for (std::size_t port = 0; port < ports_.size(); ++port) {
    if (std::ranges::find(next.ports, config_.ports[port]) != next.ports.end()) continue;
    for (std::size_t slice = 0; slice < slices_.size(); ++slice)
      if (std::ranges::binary_search(config_.slices[slice].ports(), PortId{static_cast<uint16_t>(port)}))
        slices_[slice].reset();
    ports_[port].reset();
  }
}

void Appliance::put_in_force(Running next) {
  const std::lock_guard lock(mutex_);
  config_ = std::move(next.config);
  run(std::move(next));
  ++generation_;
  last_apply_ = std::chrono::system_clock::now();
}

void Appliance::run(Running next) {
  if (next.layout) dataplane_->publish(std::move(next.layout));
  ports_ = std::move(next.ports);
  slices_ = std::move(next.slices);
}

}  // namespace bulkhead
