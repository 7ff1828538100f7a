// SPDX-License-Identifier: Apache-2.0
#include "control/plan.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

#include "control/device_identity.hpp"
#include "control/entitlement.hpp"
#include "control/kept.hpp"
#include "control/plan_details.hpp"

namespace bulkhead {
namespace {

using Object = PlanStep::Object;
using Action = PlanStep::Action;

/// The running port whose device is the same but for its arguments.
const PortConfig* reopened(const Config& running, const PortConfig& wanted) {
  for (const PortConfig& port : running.ports)
    if (collide(port.device, wanted.device)) return &port;
  return nullptr;
}

void plan_port(const Config& running, const PortConfig& wanted, Plan& out) {
  if (const auto kept = kept_port(running, wanted)) {
    auto details = port_details(running.ports[*kept], wanted);
    if (details.empty())
      ++out.ports_kept;
    else
      out.steps.push_back({Object::port, Action::adjust, wanted.name, std::move(details)});
  } else if (const PortConfig* before = reopened(running, wanted)) {
    out.all_slices_pause = true;
    out.steps.push_back({Object::port, Action::restart, wanted.name, port_details(*before, wanted)});
  } else {
    out.steps.push_back({Object::port, Action::add, wanted.name, {wanted.device}});
  }
}

std::vector<std::string> port_names(const SliceIn& in) {
  std::vector<std::string> names;
  for (const PortId port : in.slice.ports()) names.push_back(in.config.ports[port.value()].name);
  return names;
}

PlanStep added_slice(const SliceIn& in) {
  return {Object::slice,
          Action::add,
          in.slice.name,
          {fmt::format("{} at {}", forward_name(in.slice.forward), fmt::join(port_names(in), ", "))}};
}

/// Whether every port of the slice is the one at the same place before.
bool same_places(const SliceIn& before, const SliceIn& after) {
  return std::ranges::all_of(after.slice.ports(), [&](PortId port) {
    return kept_port(before.config, after.config.ports[port.value()]) == port.value();
  });
}

/// Why a slice begins anew, and which other rates it then has.
PlanStep restarted_slice(const SliceIn& before, const SliceIn& after) {
  auto details = restart_details(before, after);
  if (details.empty())
    for (const PortId port : after.slice.ports())
      if (const PortConfig& wanted = after.config.ports[port.value()]; !kept_port(before.config, wanted))
        details.push_back(fmt::format("its port {} is {}", wanted.name,
                                      reopened(before.config, wanted) ? "opened again" : "another device"));
  if (details.empty())
    details.emplace_back(same_places(before, after) ? "its entries are written in another order"
                                                    : "its ports have other places in the file");
  std::ranges::move(rate_details(before, after), std::back_inserter(details));
  return {Object::slice, Action::restart, after.slice.name, std::move(details)};
}

void plan_slice(const Config& running, const SliceIn& next, Plan& out) {
  const auto found = std::ranges::find(running.slices, next.slice.name, &SliceConfig::name);
  if (found == running.slices.end()) {
    out.steps.push_back(added_slice(next));
  } else if (!kept_slice(running, next.slice, next.config)) {
    out.steps.push_back(restarted_slice({running, *found}, next));
  } else if (auto details = rate_details({running, *found}, next); !details.empty()) {
    out.steps.push_back({Object::slice, Action::adjust, next.slice.name, std::move(details)});
  } else {
    ++out.slices_kept;
  }
}

/// Whether the device goes on, if only with other arguments.
bool is_wanted(const Config& next, const PortConfig& port) {
  return std::ranges::any_of(next.ports,
                             [&](const PortConfig& wanted) { return collide(wanted.device, port.device); });
}

bool has_slice(const Config& config, const std::string& name) {
  return std::ranges::find(config.slices, name, &SliceConfig::name) != config.slices.end();
}

std::string verb(const PlanStep& step) {
  const bool port = step.object == Object::port;
  switch (step.action) {
    case Action::add:
      return port ? "opened" : "added";
    case Action::restart:
      return port ? "closed and opened again" : "begins anew, its queues, addresses and counters too";
    case Action::adjust:
      return "goes on";
    case Action::remove:
      return port ? "closed" : "removed";
  }
  return {};
}

std::string counted(std::size_t count, const std::string& what) {
  return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

}  // namespace

Plan plan(const Config& running, const Config& next) {
  Plan out;
  for (const PortConfig& port : next.ports) plan_port(running, port, out);
  for (const SliceConfig& slice : running.slices)
    if (!has_slice(next, slice.name)) out.steps.push_back({Object::slice, Action::remove, slice.name, {}});
  for (const SliceConfig& slice : next.slices) plan_slice(running, {next, slice}, out);
  for (const PortConfig& port : running.ports)
    if (!is_wanted(next, port)) out.steps.push_back({Object::port, Action::remove, port.name, {}});
  return out;
}

std::string plan_text(const Plan& plan, const std::string& file) {
  if (!plan.changes()) return file + ": nothing changes\n";
  std::string out =
      fmt::format("{}: {}; {} and {} go on as they are\n", file, counted(plan.steps.size(), "change"),
                  counted(plan.ports_kept, "port"), counted(plan.slices_kept, "slice"));
  for (const PlanStep& step : plan.steps)
    out += fmt::format("{} {} {}{}{}\n", step.object == Object::port ? "port" : "slice", step.name,
                       verb(step), step.details.empty() ? "" : ": ", fmt::join(step.details, "; "));
  if (plan.all_slices_pause)
    out += "all slices pause while a device is closed and opened again; what is in it is lost\n";
  return out;
}

}  // namespace bulkhead
