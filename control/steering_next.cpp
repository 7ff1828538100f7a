// SPDX-License-Identifier: Apache-2.0
// What ought to be, made from what is in force.
#include <set>
#include <utility>

#include "control/isolation.hpp"
#include "control/steering.hpp"

namespace bulkhead {
namespace {

using Tier = SliceSteering::Tier;

/// The slices that have entries at the port, where none of these is to be compiled.
std::vector<std::shared_ptr<const SlicePatterns>> uncompiled(std::span<const FlowspaceEntry> entries,
                                                             PortId port) {
  std::set<SliceId> slices;
  for (const FlowspaceEntry& entry : entries)
    if (entry.match.port.matches(port.value())) slices.insert(entry.slice);
  std::vector<std::shared_ptr<const SlicePatterns>> out;
  for (const SliceId slice : slices)
    out.push_back(std::make_shared<const SlicePatterns>(
        SlicePatterns{.slice = slice, .patterns = {}, .left_out = {}, .why_software = {}}));
  return out;
}

std::vector<IngressClasses> classes_of_slices(const Config& config) {
  std::vector<IngressClasses> classes;
  for (const SliceConfig& slice : config.slices) classes.push_back(ingress_classes(slice));
  return classes;
}

}  // namespace

Steering::Steered Steering::plan(const Config& config, Ports ports, Slices slices) const {
  const std::vector<FlowspaceEntry> entries = flowspace_entries(config);
  const std::vector<IngressClasses> classes = classes_of_slices(config);
  const Index now = index_of(now_);
  Steered next{.plan = Plan(ports.size()),
               .compiled = std::vector<std::optional<KeptFlowRules>>(ports.size()),
               .ports = std::move(ports),
               .slices = std::move(slices)};
  for (std::size_t number = 0; number < next.ports.size(); ++number) {
    if (!next.ports[number]) continue;
    const Port& port = next.ports[number]->port;
    const PortId id{static_cast<uint16_t>(number)};
    const SteeredPort steered{.nic = nic_of(*next.ports[number]),
                              .refusal = refusal_of(*next.ports[number]),
                              .own_queues = port.own_queues(),
                              .flow_rules = config.ports[number].flow_rules,
                              .classes = classes};
    std::vector<std::shared_ptr<const SlicePatterns>> patterns;
    if (steered.flow_rules == PortConfig::FlowRules::software) {
      patterns = uncompiled(entries, id);
    } else {
      KeptFlowRules& compiled = next.compiled[number].emplace(compiled_at(*next.ports[number], id));
      compiled.update(entries);
      patterns = compiled.slices();
    }
    next.plan[number] = plan_steering(patterns, steered, history_at(*next.ports[number], next.slices, now));
  }
  return next;
}

/// What is compiled there now, if it is the same port under the same number.
KeptFlowRules Steering::compiled_at(const PortRuntime& port, PortId id) const {
  const std::size_t number = id.value();
  const bool is_same = number < now_.ports.size() && now_.ports[number].get() == &port;
  if (is_same && now_.compiled[number]) return *now_.compiled[number];
  return {id, nic_of(port)};
}

/// What its device is known to take; until it was tried, what its family is.
const NicProfile& Steering::nic_of(const PortRuntime& port) const {
  const auto found = nics_.find(&port);
  return found != nics_.end() ? found->second.nic : port.port.profile();
}

std::string_view Steering::refusal_of(const PortRuntime& port) const {
  const auto found = nics_.find(&port);
  return found != nics_.end() ? std::string_view(found->second.refusal) : std::string_view();
}

std::vector<SliceHistory> Steering::history_at(const PortRuntime& port, const Slices& slices,
                                               const Index& now) const {
  std::vector<SliceHistory> history(slices.size());
  for (std::size_t slice = 0; slice < slices.size(); ++slice) {
    const Place place{&port, slices[slice].get()};
    if (const auto found = distrust_.find(place); found != distrust_.end())
      history[slice].distrust = found->second.why;
    const auto found = now.find(place);
    if (found == now.end()) continue;
    history[slice].in_force = found->second;
    if (found->second->tier == Tier::queue) history[slice].queue = found->second->queue;
    history[slice].class_queues = found->second->class_queues;
    if (found->second->tier == Tier::mark) history[slice].mark = static_cast<uint16_t>(found->second->mark);
  }
  return history;
}

}  // namespace bulkhead
