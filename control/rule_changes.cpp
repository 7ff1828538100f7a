// SPDX-License-Identifier: Apache-2.0
#include "control/rule_changes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

namespace bulkhead {
namespace {

using Rules = std::vector<FlowRule>;

std::string way(const SliceSteering& steering) {
  std::string text(to_string(steering.tier));
  if (steering.tier == SliceSteering::Tier::queue) text += " " + queues_text(steering);
  return text;
}

std::string way_and_rules(const SliceSteering& steering) {
  if (steering.rules.empty()) return fmt::format("{}: {}", way(steering), steering.why_not);
  return fmt::format("{}, {} rule{}", way(steering), steering.rules.size(),
                     steering.rules.size() == 1 ? "" : "s");
}

void add_slice(const SteeringChange& change, RuleChanges& out) {
  if (change.after == nullptr) return;
  const std::string head = fmt::format("slice {} at port {}: ", change.slice, out.port);
  if (change.before == nullptr)
    out.slices.push_back(head + way_and_rules(*change.after));
  else if (way(*change.before) != way(*change.after))
    out.slices.push_back(fmt::format("{}{} -> {}", head, way(*change.before), way_and_rules(*change.after)));
}

/// Of rules that changed slices or are not all the same: which stay.
void compare(Rules before, Rules after, RuleChanges& out) {
  std::ranges::sort(before);
  std::ranges::sort(after);
  Rules same;
  std::ranges::set_intersection(before, after, std::back_inserter(same));
  out.kept += same.size();
  out.destroyed += before.size() - same.size();
  out.created += after.size() - same.size();
}

}  // namespace

RuleChanges rule_changes(std::string port, std::span<const SteeringChange> slices) {
  RuleChanges out;
  out.port = std::move(port);
  Rules before;
  Rules after;
  for (const SteeringChange& change : slices) {
    add_slice(change, out);
    // Most slices' rules stay as they are, and there may be many.
    if (change.before != nullptr && change.after != nullptr && change.before->rules == change.after->rules) {
      out.kept += change.after->rules.size();
      continue;
    }
    if (change.before != nullptr) std::ranges::copy(change.before->rules, std::back_inserter(before));
    if (change.after != nullptr) std::ranges::copy(change.after->rules, std::back_inserter(after));
  }
  compare(std::move(before), std::move(after), out);
  return out;
}

std::string rule_changes_text(std::span<const RuleChanges> ports) {
  std::string text;
  for (const RuleChanges& port : ports) {
    if (port.created + port.destroyed + port.kept == 0) continue;
    if (port.created + port.destroyed > 0)
      text += fmt::format("port {}: flow rules: {} created, {} destroyed, {} kept\n", port.port, port.created,
                          port.destroyed, port.kept);
    for (const std::string& slice : port.slices) text += slice + '\n';
  }
  return text;
}

}  // namespace bulkhead
