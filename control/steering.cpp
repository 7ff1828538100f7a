// SPDX-License-Identifier: Apache-2.0
#include "control/steering.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <thread>
#include <utility>

#include "control/log.hpp"
#include "nic/port_flow_table.hpp"

namespace bulkhead {
namespace {

using Tier = SliceSteering::Tier;

/// What a port's rules are in a plan, for the transaction.
std::vector<PortRules::Group> groups_of(const std::vector<SliceSteering>& steered) {
  std::vector<PortRules::Group> groups;
  for (std::size_t i = 0; i < steered.size(); ++i)
    if (!steered[i].rules.empty()) groups.push_back({.owner = i, .rules = steered[i].rules});
  return groups;
}

void leave_to_software(SliceSteering& steering, std::string why) {
  undivide(steering);
  steering.tier = Tier::software;
  steering.rules = {};
  steering.left_out.clear();
  steering.why_not = std::move(why);
}

/// Whose packets are to come at the port as the slice's do. Requires: not by software.
void add_owners(const SliceSteering& steering, std::size_t port, std::vector<QueueOwner>& owners) {
  QueueOwner owner{.port = PortId{static_cast<uint16_t>(port)},
                   .queue = steering.queue,
                   .slice = steering.slice,
                   .mark = steering.mark};
  for (const QueueId queue : steering.class_queues) {
    owners.push_back(owner);
    owners.back().queue = queue;
    ++owner.turn;
  }
  owners.push_back(owner);
}

/// That a device does not take rules by class is no reason to do without it. True where it may take the
/// others.
bool undivide_refused(std::vector<SliceSteering>& steered,
                      const Result<std::vector<PortRules::Refusal>>& refused) {
  bool any = false;
  if (!refused)
    for (SliceSteering& steering : steered) any = undivide(steering) || any;
  else
    for (const PortRules::Refusal& refusal : *refused) any = undivide(steered[refusal.owner]) || any;
  return any;
}

std::size_t index_in(const Steering::Ports& ports, const PortRuntime* port) {
  return static_cast<std::size_t>(std::ranges::find(ports, port, [](const auto& one) { return one.get(); }) -
                                  ports.begin());
}

}  // namespace

Steering::Index Steering::index_of(const Steered& steered) {
  Index index;
  for (std::size_t port = 0; port < steered.ports.size(); ++port)
    for (const SliceSteering& steering : steered.plan[port])
      index[{steered.ports[port].get(), steered.slices[steering.slice.value()].get()}] = &steering;
  return index;
}

Steering::Kept Steering::kept(const Steered& next) const {
  Kept kept;
  const Index now = index_of(now_);
  for (std::size_t port = 0; port < next.ports.size(); ++port)
    for (const SliceSteering& steering : next.plan[port]) {
      const auto found = now.find({next.ports[port].get(), next.slices[steering.slice.value()].get()});
      if (steering.tier == Tier::software || found == now.end() || found->second->rules != steering.rules)
        continue;
      const std::size_t before = index_in(now_.ports, next.ports[port].get());
      add_owners(*found->second, before, kept.now);
      add_owners(steering, port, kept.next);
    }
  return kept;
}

std::vector<QueueOwner> Steering::owners() const {
  std::vector<QueueOwner> owners;
  for (std::size_t port = 0; port < now_.ports.size(); ++port)
    for (const SliceSteering& steering : now_.plan[port])
      if (steering.tier != Tier::software) add_owners(steering, port, owners);
  return owners;
}

std::vector<RuleChanges> Steering::changes(const Config& config, const Steered& next) const {
  const Index now = index_of(now_);
  std::vector<RuleChanges> out;
  for (std::size_t port = 0; port < next.ports.size(); ++port) {
    if (!next.ports[port]) continue;
    std::vector<SteeringChange> slices;
    std::set<const SliceSteering*> go_on;
    for (const SliceSteering& steering : next.plan[port]) {
      const std::size_t slice = steering.slice.value();
      const auto found = now.find({next.ports[port].get(), next.slices[slice].get()});
      const SliceSteering* const before = found == now.end() ? nullptr : found->second;
      slices.push_back({.slice = config.slices[slice].name, .before = before, .after = &steering});
      go_on.insert(before);
    }
    if (const std::size_t old = index_in(now_.ports, next.ports[port].get()); old < now_.ports.size())
      for (const SliceSteering& steering : now_.plan[old])
        if (!go_on.contains(&steering))
          slices.push_back({.slice = {}, .before = &steering, .after = nullptr});
    out.push_back(rule_changes(config.ports[port].name, slices));
  }
  return out;
}

Result<void> Steering::install(const Config& config, Steered next) {
  for (std::size_t port = 0; port < next.ports.size(); ++port) {
    auto done = install_at(port, config, next);
    if (done) continue;
    std::string text = done.error().message();
    for (std::size_t before = 0; before < port; ++before) {
      if (!next.ports[before]->port.is_open()) continue;
      const std::size_t old = index_in(now_.ports, next.ports[before].get());
      const auto groups =
          old < now_.ports.size() ? groups_of(now_.plan[old]) : std::vector<PortRules::Group>{};
      if (auto undone = state_of(next.ports[before]).rules.change(groups, false); !undone)
        text += "; and could not be undone: " + undone.error().message();
    }
    return fail(std::move(text));
  }
  last_changes_ = changes(config, next);
  now_ = std::move(next);
  return {};
}

Result<void> Steering::install_at(std::size_t port, const Config& config, Steered& next) {
  const PortConfig& configured = config.ports[port];
  const bool must = configured.flow_rules == PortConfig::FlowRules::hardware;
  std::vector<SliceSteering>& steered = next.plan[port];
  const auto name = [&](const SliceSteering& steering) {
    return next.slices[steering.slice.value()]->name();
  };
  // Who has brought strangers has no rules any more, wherever others must have theirs.
  const auto is_distrusted = [&](const SliceSteering& steering) {
    return distrust_.contains({next.ports[port].get(), next.slices[steering.slice.value()].get()});
  };
  for (const SliceSteering& steering : steered)
    if (must && steering.tier == Tier::software && !is_distrusted(steering))
      return fail(
          fmt::format("port {}: flow_rules = \"hardware\", and the rules of slice {} cannot be in "
                      "hardware: {}; write \"auto\", or change its flowspace",
                      configured.name, name(steering), steering.why_not));
  // Where the device is gone, `resume` puts the rules in once it is back.
  if (!next.ports[port]->port.is_open()) return {};
  if (groups_of(steered).empty() && !states_.contains(next.ports[port].get())) return {};
  PortRules& rules = state_of(next.ports[port]).rules;
  auto refused = rules.change(groups_of(steered), !must);
  if (undivide_refused(steered, refused)) refused = rules.change(groups_of(steered), !must);
  if (!refused) return std::unexpected(refused.error());
  for (PortRules::Refusal& refusal : *refused) {
    log_warning(fmt::format("slice {} at port {} is left to software: {}", name(steered[refusal.owner]),
                            configured.name, refusal.why.message()));
    leave_to_software(steered[refusal.owner], refusal.why.message());
  }
  return {};
}

Steering::PortState& Steering::state_of(const std::shared_ptr<PortRuntime>& port) {
  const auto found = states_.find(port.get());
  if (found != states_.end()) return found->second;
  const NicProfile& nic = port->port.profile();
  // New rules may not agree with old ones in what rules must have in common.
  const auto order = nic.one_mask || nic.one_input_set || nic.one_type_per_priority
                         ? PortRules::Order::destroy_first
                         : PortRules::Order::create_first;
  return states_.emplace(port.get(), PortState{port, PortRules(table_of(*port), order)}).first->second;
}

std::unique_ptr<FlowTable> Steering::table_of(const PortRuntime& port) const {
  if (seam_.table) return seam_.table(port.name, port.port);
  return std::make_unique<PortFlowTable>(port.port.device(), port.name, port.port.profile());
}

void Steering::probe(const Config& config, const Ports& ports) {
  for (std::size_t number = 0; number < ports.size(); ++number) {
    const PortRuntime& port = *ports[number];
    const NicProfile& nic = port.port.profile();
    const bool may_have_rules =
        nic.most_rules > 0 && config.ports[number].flow_rules != PortConfig::FlowRules::software;
    // One that has rules already came back with them.
    const bool is_known = nics_.contains(&port) || states_.contains(&port);
    if (!may_have_rules || !port.port.is_open() || is_known) continue;
    const auto table = table_of(port);
    const ConfirmedNic& confirmed =
        nics_.emplace(&port, confirm(nic, port.port.own_queues(), *table)).first->second;
    if (!confirmed.refusal.empty()) log_warning(fmt::format("port {}: {}", port.name, confirmed.refusal));
  }
}

void Steering::settle(const Layout& layout, std::chrono::nanoseconds patience) const {
  constexpr std::chrono::microseconds kLook{50};
  constexpr uint64_t kMostWaiting = 4096;  // packets in any queue of a device
  struct Watched {
    const PortRuntime::OwnQueueState* queue;
    uint64_t sorted;
    uint64_t emptied;
    [[nodiscard]] bool is_settled() const {
      // The first time may be that of a visit that had begun before.
      return queue->emptied.read() >= emptied + 2 || queue->sorted.read() - sorted > kMostWaiting;
    }
  };
  std::vector<Watched> watched;
  for (const QueueOwner& owner : owners()) {
    const Layout::PortPlace& place = layout.ports()[owner.port.value()];
    if (std::ranges::find(place.shared_queues, owner.queue) == place.shared_queues.end()) continue;
    const auto& queue = place.runtime->own_queues[owner.queue.value()];
    watched.push_back({.queue = &queue, .sorted = queue.sorted.read(), .emptied = queue.emptied.read()});
  }
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (!std::ranges::all_of(watched, &Watched::is_settled) && std::chrono::steady_clock::now() < deadline)
    std::this_thread::sleep_for(kLook);
}

void Steering::retain(const Ports& ports) {
  const auto is_unused = [&](const auto& one) { return index_in(ports, one.first) == ports.size(); };
  std::erase_if(states_, is_unused);
  std::erase_if(nics_, is_unused);
  // What is known of slices and ports that are gone must not be held against others at the same address.
  const Index now = index_of(now_);
  const auto is_gone = [&](const auto& one) { return !now.contains(one.first); };
  std::erase_if(distrust_, is_gone);
  std::erase_if(strangers_, is_gone);
}

void Steering::forget(const PortRuntime& port) {
  states_.erase(&port);
  const std::size_t at = index_in(now_.ports, &port);
  if (at == now_.ports.size()) return;
  nics_.erase(&port);
  now_.ports[at].reset();
  now_.plan[at].clear();
  now_.compiled[at].reset();
}

Result<void> Steering::resume(const Config& config, const PortRuntime& port) {
  auto done = install_at(index_in(now_.ports, &port), config, now_);
  if (!done) suspend(port);
  return done;
}

}  // namespace bulkhead
