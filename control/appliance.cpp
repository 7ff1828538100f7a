// SPDX-License-Identifier: Apache-2.0
#include "control/appliance.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <new>
#include <utility>

#include "control/build_slice.hpp"
#include "control/device_identity.hpp"
#include "control/egress_plan.hpp"
#include "control/entitlement.hpp"
#include "control/isolation.hpp"
#include "control/kept.hpp"
#include "control/log.hpp"
#include "control/lookup_cost.hpp"
#include "nic/clock.hpp"

namespace bulkhead {
namespace {

using Change = EgressChanges::Change;

CpuShare cpu_share(const CpuConfig& config) {
  return {.reserve = config.reserve, .weight = config.weight, .cap = config.cap};
}

std::vector<CpuShare> cpu_shares(const Config& config) {
  std::vector<CpuShare> shares;
  for (const SliceConfig& slice : config.slices) shares.push_back(cpu_share(slice.cpu));
  return shares;
}

std::unexpected<ApplianceFault> refuse(std::string message) {
  return std::unexpected(ApplianceFault(Error(std::move(message)), ApplianceFault::Kind::refused));
}

ApplianceResult<void> prove(const Config& config, const Resources& resources) {
  const std::vector<ConfigFault> faults = prove_isolation(config, resources);
  if (faults.empty()) return {};
  std::string text = ConfigFaults{.file = config.file, .faults = faults}.to_string();
  while (text.ends_with('\n')) text.pop_back();
  return refuse(text);
}

/// What the devices promise, which must be enough for the guarantees: known only now that they are open.
ReportedSpeeds reported_speeds(const std::vector<std::shared_ptr<PortRuntime>>& ports) {
  ReportedSpeeds speeds;
  for (const auto& port : ports) {
    const BitsPerSecond speed = port->port.link().speed;
    speeds.push_back(speed.count() > 0 ? std::optional(speed) : std::nullopt);
  }
  return speeds;
}

ApplianceResult<ReportedSpeeds> speeds_of(const Config& config,
                                          const std::vector<std::shared_ptr<PortRuntime>>& ports) {
  ReportedSpeeds speeds = reported_speeds(ports);
  for (std::size_t port = 0; port < ports.size(); ++port)
    if (!speeds[port] && !config.ports[port].speed)
      return refuse(fmt::format("port {}: its device reports no speed; write one, such as speed = \"10Gbps\"",
                                config.ports[port].name));
  return speeds;
}

}  // namespace

ApplianceResult<std::unique_ptr<Appliance>> Appliance::start(Config config, std::vector<uint32_t> cores,
                                                             std::function<void(std::string)> on_failure) {
  auto eal = start_eal(config, Bytes{0});
  if (!eal) return std::unexpected(eal.error());
  return start(std::move(*eal), std::move(config), std::move(cores), std::move(on_failure));
}

ApplianceResult<std::unique_ptr<Appliance>> Appliance::start(std::shared_ptr<const Eal> eal, Config config,
                                                             std::vector<uint32_t> cores,
                                                             std::function<void(std::string)> on_failure,
                                                             ModelDecorator decorate, SteeringSeam steering) {
  const PacketMemory memory = packet_memory(config);
  auto pool = PacketPool::create("packets", memory.packets, memory.data_room);
  if (!pool) return std::unexpected(pool.error());

  std::unique_ptr<Appliance> appliance(new Appliance(std::move(eal), std::move(*pool), std::move(cores),
                                                     std::move(decorate), std::move(steering)));
  const IdlePolicy idle =
      config.appliance.idle == ApplianceConfig::Idle::poll ? IdlePolicy::poll : IdlePolicy::nap;
  Ports none(config.ports.size());
  auto first = appliance->build(std::move(config), std::move(none));
  if (!first) return std::unexpected(first.error());
  // Nothing is received before the slices' rules are in force, and nothing would be wrong if it were.
  auto nothing = SliceTable::compile({});
  if (!nothing) return std::unexpected(nothing.error());
  auto dataplane =
      Dataplane::start({.cores = appliance->cores_, .idle = idle, .on_failure = std::move(on_failure)},
                       appliance->pool_, appliance->empty_layout(std::move(*nothing)));
  if (!dataplane) return std::unexpected(dataplane.error());
  // A worker that is a second behind does not visit: the slowest round takes milliseconds.
  appliance->watch_.emplace(appliance->cores_.size(), Cycles{clock_hz()}, clock_now());
  appliance->dataplane_ = std::move(*dataplane);
  if (auto done = appliance->put_in_force(std::move(*first)); !done) return std::unexpected(done.error());
  return appliance;
}

Result<std::shared_ptr<const Eal>> Appliance::start_eal(const Config& config, Bytes more) {
  EalOptions options{.memory = config.appliance.memory + more,
                     .pci_devices = {},
                     .arguments = config.appliance.eal,
                     .log = [](std::string_view line) { log_info(fmt::format("DPDK: {}", line)); }};
  for (const PortConfig& port : config.ports)
    if (is_pci(port.device)) options.pci_devices.push_back(port.device);
  auto eal = Eal::start(options);
  if (!eal) return std::unexpected(eal.error());
  return std::make_shared<const Eal>(std::move(*eal));
}

Appliance::Appliance(std::shared_ptr<const Eal> eal, PacketPool pool, std::vector<uint32_t> cores,
                     ModelDecorator decorate, SteeringSeam steering)
    : eal_(std::move(eal)),
      pool_(std::move(pool)),
      cores_(std::move(cores)),
      decorate_(std::move(decorate)),
      steering_(std::move(steering)) {}

Appliance::~Appliance() { stop(std::chrono::nanoseconds{0}); }

ApplianceResult<void> Appliance::prove_change(const Config& config) const {
  if (config.appliance != config_.appliance || config.stats != config_.stats)
    return refuse(fmt::format(
        "{}: [appliance] and [stats] cannot change while the appliance runs; restart it, or leave "
        "them as they are",
        config.file));
  if (auto possible = outages_.prove_change(config_, config, ports_); !possible)
    return refuse(possible.error().message());
  return prove(config, {.port_speeds = {}, .workers = workers(), .memory = memory()});
}

ApplianceResult<void> Appliance::reload(Config config) {
  if (auto possible = prove_change(config); !possible) return possible;
  Ports ports = unchanged_ports(config);
  if (auto opened = open_ports(config, Open::not_in_use, ports); !opened)
    return std::unexpected(opened.error());
  const std::vector<std::string> released = release_ports(config);
  auto next = build(std::move(config), std::move(ports));
  if (!next && !released.empty()) return std::unexpected(restore(next.error(), released));
  if (!next) return std::unexpected(next.error());
  auto done = put_in_force(std::move(*next));
  if (!done && !released.empty()) return std::unexpected(restore(done.error(), released));
  return done;
}

void Appliance::audit() {
  tend_ports();
  const bool distrusts = steering_.audit(config_);
  {
    const std::lock_guard lock(mutex_);
    flow_rules_restored_ = steering_.restored();
  }
  if (!distrusts) return;
  // The slices and ports are the same; only what hardware may do for them is less.
  if (auto done = steer(steering_.plan(config_, ports_, slices_)); !done)
    log_warning(fmt::format("flow rules could not be changed: {}", done.error().message()));
}

/// Opens again what was released; what was kept is still there.
ApplianceFault Appliance::restore(const ApplianceFault& because, const std::vector<std::string>& released) {
  auto back = build(config_, ports_);
  if (!back)
    return {Error(fmt::format("{}\nthe old configuration could not be restored: {}", because.message(),
                              back.error().message())),
            ApplianceFault::Kind::broken};
  if (auto done = run(std::move(*back), generation_); !done)
    return {Error(fmt::format("{}\nthe old configuration could not be restored: {}", because.message(),
                              done.error().message())),
            ApplianceFault::Kind::broken};
  return {Error(fmt::format("{}\nopened again, so that its counters and its slices' begin anew: port {}",
                            because.message(), fmt::join(released, ", "))),
          because.kind()};
}

void Appliance::stop(std::chrono::nanoseconds patience) {
  const std::lock_guard lock(mutex_);
  if (std::exchange(stopped_, true) || !dataplane_) return;
  dataplane_->stop(patience);
}

PacketMemory Appliance::memory() const {
  return {.data_room = pool_.data_room(), .packets = pool_.capacity()};
}

/// What slices' tables take is asked for here: where there is not enough, nothing has changed yet.
ApplianceResult<Appliance::Running> Appliance::build(Config config, Ports ports) const try {
  if (auto opened = open_ports(config, Open::all, ports); !opened) return std::unexpected(opened.error());
  auto speeds = speeds_of(config, ports);
  if (!speeds) return std::unexpected(speeds.error());
  if (auto proved = prove(config, {.port_speeds = *speeds, .workers = workers(), .memory = memory()});
      !proved)
    return std::unexpected(proved.error());
  auto table = table_for(config);
  if (!table) return std::unexpected(table.error());
  Slices slices = build_slices(config, ports);
  return Running{.config = std::move(config),
                 .ports = std::move(ports),
                 .slices = std::move(slices),
                 .table = std::move(*table)};
} catch (const std::bad_alloc&) {
  return std::unexpected(ApplianceFault(
      Error("not enough memory for the slices' tables; lower max_addresses, or leave slices out"),
      ApplianceFault::Kind::failed));
}

/// The one in force, where flowspaces stay as they are: workers have it in their caches.
Result<std::shared_ptr<const SliceTable>> Appliance::table_for(const Config& config) const {
  std::vector<FlowspaceEntry> entries = flowspace_entries(config);
  if (table_ && entries == flowspace_entries(config_)) return table_;
  auto table = SliceTable::compile(std::move(entries));
  if (!table) return std::unexpected(table.error());
  if (const LookupCost cost = lookup_cost(config, *table); !cost.warning.empty())
    log_warning(fmt::format("{}: {}", config.file, cost.warning));
  return std::make_shared<const SliceTable>(std::move(*table));
}

Appliance::Slices Appliance::build_slices(const Config& config, const Ports& ports) const {
  Slices slices;
  const auto limits = [&](PortId id) {
    const PortRuntime& port = *ports[id.value()];
    // A device that came back may take longer ones than before.
    return EgressLimits{.max_frame = std::min(port.port.max_frame(), port.egress.max_frame()),
                        .takes_segments = port.port.takes_segments()};
  };
  const ReportedSpeeds speeds = reported_speeds(ports);
  const std::vector<QueuePlan> queues = queue_plans(config, memory(), workers());
  for (std::size_t number = 0; number < config.slices.size(); ++number) {
    const SliceConfig& slice = config.slices[number];
    const auto kept = kept_slice(config_, slice, config);
    auto same = kept ? slices_[*kept] : nullptr;
    slices.push_back(same ? std::move(same)
                          : build_slice(slice, {.queues = queues[number],
                                                .shares = port_shares(config, slice, speeds),
                                                .limits = limits,
                                                .decorate = decorate_}));
  }
  return slices;
}

/// Takes out of service the ports whose devices the next configuration wants with other arguments, and
/// returns their names. All slices pause meanwhile; those that stay keep their state.
std::vector<std::string> Appliance::release_ports(const Config& next) {
  std::vector<std::size_t> wanted = ports_to_release(config_, next);
  std::erase_if(wanted, [this](std::size_t port) { return !ports_[port]; });
  std::vector<std::string> names;
  auto nothing = SliceTable::compile({});
  if (wanted.empty() || !nothing) return names;
  const std::lock_guard lock(mutex_);
  dataplane_->publish(empty_layout(std::move(*nothing)));
  for (const std::size_t port : wanted) {
    steering_.forget(*ports_[port]);
    for (std::size_t slice = 0; slice < slices_.size(); ++slice)
      if (std::ranges::binary_search(config_.slices[slice].ports(), PortId{static_cast<uint16_t>(port)}))
        slices_[slice].reset();
    if (ports_[port]) names.push_back(config_.ports[port].name);
    ports_[port].reset();
  }
  return names;
}

std::unique_ptr<const Layout> Appliance::empty_layout(SliceTable nothing) const {
  return std::make_unique<const Layout>(generation_, std::make_shared<const SliceTable>(std::move(nothing)),
                                        Ports{}, Slices{}, CpuPlan{.workers = workers(), .shares = {}});
}

ApplianceResult<void> Appliance::put_in_force(Running next) {
  const bool asks_for_hardware = std::ranges::any_of(next.config.ports, [](const PortConfig& port) {
    return port.flow_rules == PortConfig::FlowRules::hardware;
  });
  if (auto done = run(std::move(next), generation_ + 1); !done)
    return std::unexpected(ApplianceFault(
        done.error(), asks_for_hardware ? ApplianceFault::Kind::refused : ApplianceFault::Kind::failed));
  const std::lock_guard lock(mutex_);
  last_apply_ = std::chrono::system_clock::now();
  return {};
}

/// All that can fail happens before the data path hears of anything new.
Result<void> Appliance::run(Running next, uint64_t generation) {
  steering_.probe(next.config, next.ports);
  Steering::Steered steered = steering_.plan(next.config, next.ports, next.slices);
  // Where ports were released, nothing is in force that could go on.
  const bool nobody_visits = dataplane_->layout().ports().empty();
  const Steering::Kept kept = nobody_visits ? Steering::Kept{} : steering_.kept(steered);
  if (auto done = change_rules(next.config, std::move(steered), kept.now); !done) {
    steering_.retain(ports_);  // devices that were opened for nothing are closed
    return done;
  }
  const CpuPlan cpu{.workers = workers(), .shares = cpu_shares(next.config)};
  auto layout =
      std::make_unique<const Layout>(generation, next.table, next.ports, next.slices, cpu, kept.next);
  {
    const std::lock_guard lock(mutex_);
    dataplane_->publish(std::move(layout));
    config_ = std::move(next.config);
    table_ = std::move(next.table);
    ports_ = std::move(next.ports);
    slices_ = std::move(next.slices);
    generation_ = generation;
    set_rates();
    view_steering();
  }
  steering_.retain(ports_);
  hand_over_queues();
  return {};
}

/// Other rules for what is the same as before.
Result<void> Appliance::steer(Steering::Steered next) {
  const Steering::Kept kept = steering_.kept(next);
  if (auto done = change_rules(config_, std::move(next), kept.now); !done) return done;
  {
    const std::lock_guard lock(mutex_);
    view_steering();
  }
  hand_over_queues();
  return {};
}

/// Takes the queues whose rules change from their slices, and changes the rules. Where that fails, they go
/// back once what new rules brought meanwhile is sorted.
Result<void> Appliance::change_rules(const Config& config, Steering::Steered next,
                                     std::span<const QueueOwner> kept) {
  if (kept.size() != dataplane_->layout().owner_count()) publish_owners(kept);
  auto done = steering_.install(config, std::move(next));
  if (!done && !dataplane_->layout().ports().empty()) hand_over_queues();
  return done;
}

/// Gives slices the queues that their rules lead to, once nothing of the time before is in them.
void Appliance::hand_over_queues() {
  constexpr std::chrono::milliseconds kSettlePatience{100};
  const std::vector<QueueOwner> owners = steering_.owners();
  if (owners.size() == dataplane_->layout().owner_count()) return;
  steering_.settle(dataplane_->layout(), kSettlePatience);
  publish_owners(owners);
}

void Appliance::publish_owners(std::span<const QueueOwner> owners) {
  const std::lock_guard lock(mutex_);
  dataplane_->publish(dataplane_->layout().with_owners(owners));
}

/// Gives ports that stayed open their speed, and slices that stayed their rates, where these have changed.
void Appliance::set_rates() {
  const ReportedSpeeds speeds = reported_speeds(ports_);
  PortChanges changes;
  for (std::size_t port = 0; port < ports_.size(); ++port)
    if (const auto speed = port_speed(config_, PortId{static_cast<uint16_t>(port)}, speeds))
      changes[ports_[port].get()].push_back({.kind = Change::Kind::speed, .speed = *speed});
  for (std::size_t number = 0; number < slices_.size(); ++number) {
    const std::vector<PortShare> shares = port_shares(config_, config_.slices[number], speeds);
    for (std::size_t i = 0; i < shares.size(); ++i) {
      SliceOutput& output = *slices_[number]->attachments()[i].output;
      const SliceRates rates = egress_plan(config_.slices[number], shares[i], 0).rates;
      if (rates != output.plan.rates)
        changes[ports_[shares[i].port.value()].get()].push_back(
            {.kind = Change::Kind::rates, .output = &output, .rates = rates});
    }
  }
  dataplane_->change(std::move(changes));
}

}  // namespace bulkhead
