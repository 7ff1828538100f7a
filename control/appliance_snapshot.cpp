// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "control/appliance.hpp"
#include "control/entitlement.hpp"
#include "control/kept.hpp"
#include "nic/clock.hpp"

namespace bulkhead {
namespace {

static_assert(ResidenceHistogram::kBuckets == kResidenceBuckets);

double to_seconds(uint64_t cycles) { return static_cast<double>(cycles) / static_cast<double>(clock_hz()); }

/// From hundredths.
double to_percent(uint32_t hundredths) { return static_cast<double>(hundredths) / 100; }

Snapshot::Traffic to_traffic(const TrafficCounter& counter) {
  return {.packets = counter.packets.read(), .bytes = counter.bytes.read()};
}

uint64_t drops(const SliceRuntime& slice, DropReason reason) {
  uint64_t sum = slice.dropped.read(reason);
  for (const SliceRuntime::Attachment& attachment : slice.attachments()) {
    sum += attachment.output->dropped.read(reason);
    if (reason == attachment.input->full_reason()) sum += attachment.input->dropped_full.read();
    if (reason == DropReason::cpu_budget) sum += attachment.input->dropped_budget.read();
  }
  return sum;
}

Snapshot::SlicePort slice_port(const SliceRuntime::Attachment& attachment, const std::string& name) {
  Snapshot::SlicePort port{.port = name,
                           .received = to_traffic(attachment.input->received),
                           .transmitted = {},
                           .isolation_violations = attachment.own->isolation_violations(),
                           .steering = nullptr};
  const Snapshot::Traffic by_own_queue = to_traffic(attachment.own->received);
  port.received.packets += by_own_queue.packets;
  port.received.bytes += by_own_queue.bytes;
  port.received_by_own_queue = by_own_queue.packets;
  for (std::size_t pcp = 0; pcp < port.transmitted.size(); ++pcp) {
    port.transmitted[pcp] = to_traffic(attachment.output->transmitted[pcp]);
    port.queued_packets[pcp] = attachment.output->queued(pcp);
  }
  return port;
}

void add_residence(Snapshot::Slice& slice, const SliceOutput& output) {
  slice.class_residence.resize(std::max(slice.class_residence.size(), output.plan.rates.class_count));
  for (std::size_t number = 0; number < output.plan.rates.class_count; ++number)
    for (std::size_t bucket = 0; bucket < kResidenceBuckets; ++bucket) {
      const uint64_t packets = output.residence.packets(bucket, number);
      slice.class_residence[number][bucket] += packets;
      slice.residence_buckets[bucket] += packets;
    }
  slice.residence_sum_seconds += to_seconds(output.residence.sum().count());
}

/// In software, an entry is a rule.
void count_rules(const SliceConfig& config, PortId id, Snapshot::SlicePort& port) {
  const auto in_device = port.steering ? static_cast<uint32_t>(port.steering->rules.size()) : 0;
  if (in_device > 0) {
    (port.steering->queue ? port.rules_hardware : port.rules_mark) = in_device;
    return;
  }
  for (const FlowspaceConfig& flowspace : config.flowspaces)
    port.rules_software += static_cast<uint32_t>(std::ranges::count(flowspace.ports, id));
}

using SteeringViews = std::vector<std::shared_ptr<const Snapshot::Steering>>;

Snapshot::Slice slice_snapshot(const SliceRuntime& runtime, const Config& config,
                               const SliceConfig& slice_config, const ReportedSpeeds& speeds,
                               const SteeringViews& steering) {
  Snapshot::Slice slice;
  slice.name = runtime.name();
  slice.forward = forward_name(slice_config.forward);
  const std::vector<PortShare> shares = port_shares(config, slice_config, speeds);
  for (std::size_t i = 0; i < runtime.attachments().size(); ++i) {
    const SliceRuntime::Attachment& attachment = runtime.attachments()[i];
    Snapshot::SlicePort port = slice_port(attachment, config.ports[attachment.port.value()].name);
    port.guarantee_bits_per_second = shares[i].guarantee.count();
    port.ceiling_bits_per_second = shares[i].ceiling.value_or(BitsPerSecond{}).count();
    port.steering = i < steering.size() ? steering[i] : nullptr;
    count_rules(slice_config, attachment.port, port);
    slice.ports.push_back(std::move(port));
    slice.input_queued_packets += attachment.input->queue.size();
    add_residence(slice, *attachment.output);
  }
  for (std::size_t i = 0; i < kDropReasons; ++i) {
    const auto reason = static_cast<DropReason>(i);
    slice.dropped.emplace_back(to_string(reason), drops(runtime, reason));
  }
  slice.memory_packets = runtime.held_buffers();
  slice.memory_quota_packets = runtime.memory_quota;
  slice.replicated_packets = runtime.replicated.read();
  slice.learned_addresses = runtime.model().learned_addresses();
  slice.unlearned_addresses = runtime.model().unlearned_addresses();
  slice.cpu_reserve_percent = to_percent(slice_config.cpu.reserve);
  slice.cpu_weight = slice_config.cpu.weight;
  if (slice_config.cpu.cap) slice.cpu_cap_percent = to_percent(*slice_config.cpu.cap);
  slice.cpu_throttled_seconds = to_seconds(runtime.throttled.read());
  slice.cpu_seconds = to_seconds(runtime.charges() + runtime.cycles_elsewhere.read());
  return slice;
}

uint64_t unclaimed_by(const PortRuntime& runtime, DropReason reason) {
  uint64_t sum = runtime.unclaimed.read(reason);
  if (reason == DropReason::malformed)
    for (uint16_t queue = 1; queue <= runtime.port.own_queues(); ++queue)
      sum += runtime.own_queues[queue].malformed.read();
  return sum;
}

std::string to_text(PortTrouble trouble) {
  switch (trouble) {
    case PortTrouble::reset:
      return "reset";
    case PortTrouble::removed:
      return "removed";
    case PortTrouble::none:
      break;
  }
  return {};
}

Snapshot::Port port_snapshot(const PortRuntime& runtime, const PortConfig& config) {
  std::vector<std::pair<std::string, uint64_t>> unclaimed;
  for (const DropReason reason : {DropReason::not_in_flowspace, DropReason::malformed})
    unclaimed.emplace_back(to_string(reason), unclaimed_by(runtime, reason));
  // After our own counters, those of slices included: what the driver has received is never less than those
  // say.
  PortStatistics statistics = runtime.port.statistics();
  statistics += runtime.history.before;
  const PortLink link = runtime.port.link();
  return {.name = config.name,
          .device = config.device,
          .driver = runtime.port.driver(),
          .received = {.packets = statistics.received_packets, .bytes = statistics.received_bytes},
          .transmitted = {.packets = statistics.transmitted_packets, .bytes = statistics.transmitted_bytes},
          .missed_packets = statistics.missed_packets,
          .transmit_failed_packets = statistics.failed_packets,
          .link_up = link.up,
          .out_of_service = to_text(runtime.history.trouble),
          .resets = runtime.history.resets,
          .removals = runtime.history.removals,
          .speed_bits_per_second = config.speed.value_or(link.speed).count(),
          .mtu = runtime.port.mtu(),
          .unclaimed = std::move(unclaimed)};
}

}  // namespace

Snapshot Appliance::snapshot() const {
  const std::lock_guard lock(mutex_);
  Snapshot snapshot;
  snapshot.taken = std::chrono::system_clock::now();
  snapshot.version = BULKHEAD_VERSION;
  snapshot.config_generation = generation_;
  snapshot.last_apply = last_apply_;
  snapshot.flow_rules_restored = flow_rules_restored_;
  ReportedSpeeds speeds;
  for (const auto& port : ports_)
    speeds.push_back(port ? std::optional(port->port.link().speed) : std::nullopt);
  for (std::size_t slice = 0; slice < slices_.size(); ++slice)
    if (slices_[slice]) add_slice(snapshot, slice, speeds);
  for (std::size_t port = 0; port < ports_.size(); ++port) {
    if (!ports_[port]) {
      snapshot.not_ready_because = "port " + config_.ports[port].name + " is closed";
      continue;
    }
    snapshot.ports.push_back(port_snapshot(*ports_[port], config_.ports[port]));
    const Snapshot::Port& seen = snapshot.ports.back();
    if (seen.link_up || !snapshot.not_ready_because.empty()) continue;
    snapshot.not_ready_because =
        "port " + seen.name +
        (seen.out_of_service.empty() ? " has no link" : " is out of service: " + seen.out_of_service);
  }
  add_workers(snapshot);
  if (stopped_) snapshot.not_ready_because = "the appliance is stopping";
  snapshot.ready = snapshot.not_ready_because.empty();
  return snapshot;
}

std::vector<RuleChanges> Appliance::plan_rules(const Config& config) const {
  Slices slices;
  for (const SliceConfig& slice : config.slices) {
    const auto kept = kept_slice(config_, slice, config);
    slices.push_back(kept ? slices_[*kept] : nullptr);
  }
  return steering_.changes(config, steering_.plan(config, unchanged_ports(config), std::move(slices)));
}

/// What snapshots say of the steering: made when it changes, as there may be many rules. Requires: mutex_
void Appliance::view_steering() {
  steering_views_.assign(slices_.size(), {});
  for (std::size_t slice = 0; slice < slices_.size(); ++slice)
    steering_views_[slice].resize(slices_[slice]->attachments().size());
  for (std::size_t port = 0; port < steering_.now().size(); ++port)
    for (const SliceSteering& steering : steering_.now()[port]) {
      auto view = std::make_shared<Snapshot::Steering>();
      view->where = to_string(steering.tier);
      if (steering.tier == SliceSteering::Tier::queue) view->queue = steering.queue.value();
      for (const QueueId queue : steering.class_queues) view->class_queues.push_back(queue.value());
      view->why_not_hardware = steering.why_not;
      view->left_out = steering.left_out;
      for (const FlowRule& rule : steering.rules) view->rules.push_back(to_testpmd(rule));
      const PortId id{static_cast<uint16_t>(port)};
      for (const FlowRule& rule : steering_.suspects(id, steering.slice))
        view->suspects.push_back(to_testpmd(rule));
      const std::size_t slice = steering.slice.value();
      const LocalPort local = *slices_[slice]->local_port(id);
      steering_views_[slice][local] = std::move(view);
    }
  flow_rules_restored_ = steering_.restored();
}

void Appliance::add_slice(Snapshot& snapshot, std::size_t slice, const ReportedSpeeds& speeds) const {
  snapshot.slices.push_back(
      slice_snapshot(*slices_[slice], config_, config_.slices[slice], speeds,
                     slice < steering_views_.size() ? steering_views_[slice] : SteeringViews{}));
  // While ports are opened again, a layout without slices is in force.
  const Layout& layout = dataplane_->layout();
  if (slice < layout.slices().size() && layout.slices()[slice] == slices_[slice])
    snapshot.slices.back().worker = static_cast<uint32_t>(layout.homes().worker_of(slice));
}

void Appliance::add_workers(Snapshot& snapshot) const {
  std::vector<uint64_t> accounted;
  for (std::size_t worker = 0; worker < cores_.size(); ++worker) {
    const WorkerTime& time = dataplane_->worker_times()[worker];
    const uint64_t busy = time.busy.read();
    const uint64_t idle = time.idle.read();
    const uint64_t stolen = time.stolen.read();
    accounted.push_back(busy + idle + stolen);
    const uint64_t slices = time.slices.read();
    snapshot.workers.push_back({.core = cores_[worker],
                                .busy_seconds = to_seconds(busy),
                                .idle_seconds = to_seconds(idle),
                                .overhead_seconds = to_seconds(busy - std::min(busy, slices)),
                                .stolen_seconds = to_seconds(stolen)});
  }
  if (!snapshot.not_ready_because.empty()) return;
  if (const auto stuck = watch_->stuck(accounted, clock_now()))
    snapshot.not_ready_because = fmt::format("worker {} on core {} does not visit", *stuck, cores_[*stuck]);
}

}  // namespace bulkhead
