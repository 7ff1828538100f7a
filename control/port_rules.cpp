// SPDX-License-Identifier: Apache-2.0
#include "control/port_rules.hpp"

#include <algorithm>
#include <set>
#include <utility>

namespace bulkhead {

Result<std::vector<PortRules::Refusal>> PortRules::change(std::span<const Group> wanted, bool may_refuse) {
  Difference difference = difference_to(wanted);
  const bool was_known = std::exchange(is_known_, true);
  auto refused = carry_out(difference, may_refuse);
  if (!refused) {
    is_known_ = is_known_ && was_known;
    return refused;
  }
  in_force_.clear();
  for (const Group& group : wanted) in_force_.emplace(group.owner, group.rules);
  for (const Refusal& refusal : *refused) in_force_.erase(refusal.owner);
  return refused;
}

Result<std::vector<PortRules::Refusal>> PortRules::carry_out(Difference& difference, bool may_refuse) {
  std::vector<Refusal> refused;
  std::vector<Step> done;
  if (order_ == Order::destroy_first)
    if (auto destroyed = destroy_all(difference.old, done); !destroyed)
      return std::unexpected(undo(done, 0, destroyed.error()));
  for (const Group* group : difference.groups) {
    const std::size_t before = done.size();
    auto created = create_group(*group, done);
    if (created) continue;
    Error why = undo(done, before, created.error());
    if (!may_refuse) return std::unexpected(undo(done, 0, why));
    refused.push_back({.owner = group->owner, .why = std::move(why)});
    difference.old.insert(group->rules.begin(), group->rules.end());
  }
  if (auto destroyed = destroy_all(difference.old, done); !destroyed)
    return std::unexpected(undo(done, 0, destroyed.error()));
  return refused;
}

PortRules::Difference PortRules::difference_to(std::span<const Group> wanted) const {
  Difference difference;
  std::set<std::size_t> same;
  for (const Group& group : wanted) {
    const auto found = in_force_.find(group.owner);
    if (is_known_ && found != in_force_.end() && found->second == group.rules)
      same.insert(group.owner);
    else
      difference.groups.push_back(&group);
  }
  std::set<FlowRule> keep;
  for (const Group* group : difference.groups) keep.insert(group->rules.begin(), group->rules.end());
  const auto add_old = [&](const FlowRule& rule) {
    if (!keep.contains(rule)) difference.old.insert(rule);
  };
  if (!is_known_)
    for (const auto& [rule, handle] : installed_) add_old(rule);
  else
    for (const auto& [owner, rules] : in_force_)
      if (!same.contains(owner)) std::ranges::for_each(rules, add_old);
  return difference;
}

Result<void> PortRules::create_group(const Group& group, std::vector<Step>& done) {
  for (const FlowRule& rule : group.rules) {
    if (installed_.contains(rule)) continue;
    if (auto made = make_way(rule, done); !made) return made;
    if (auto created = create(rule); !created) return created;
    done.push_back({.created = true, .rule = rule});
  }
  return {};
}

/// Two rules for the same frames at once are undefined.
Result<void> PortRules::make_way(const FlowRule& rule, std::vector<Step>& done) {
  const auto same = installed_.lower_bound(FlowRule{.pattern = rule.pattern, .action = {}});
  if (same == installed_.end() || same->first.pattern != rule.pattern) return {};
  const FlowRule old = same->first;
  if (auto destroyed = destroy(old); !destroyed) return destroyed;
  done.push_back({.created = false, .rule = old});
  return {};
}

/// Those that are gone already are left alone.
Result<void> PortRules::destroy_all(const std::set<FlowRule>& old, std::vector<Step>& done) {
  for (const FlowRule& rule : old) {
    if (!installed_.contains(rule)) continue;
    if (auto destroyed = destroy(rule); !destroyed) return destroyed;
    done.push_back({.created = false, .rule = rule});
  }
  return {};
}

/// Undoes all steps but the first `down_to`. What cannot be undone is added to what is reported.
Error PortRules::undo(std::vector<Step>& steps, std::size_t down_to, const Error& because) {
  std::string text = because.message();
  for (; steps.size() > down_to; steps.pop_back()) {
    const Step& step = steps.back();
    if (auto undone = step.created ? destroy(step.rule) : create(step.rule); !undone) {
      is_known_ = false;
      text += "; and could not be undone: " + undone.error().message();
    }
  }
  return Error(std::move(text));
}

Result<void> PortRules::create(const FlowRule& rule) {
  const auto handle = table_->create(rule);
  if (!handle) return std::unexpected(handle.error());
  installed_.emplace(rule, *handle);
  return {};
}

/// A rule that could not be destroyed is taken to be in force still.
Result<void> PortRules::destroy(const FlowRule& rule) {
  const auto found = installed_.find(rule);
  if (auto destroyed = table_->destroy(found->second); !destroyed) return destroyed;
  installed_.erase(found);
  return {};
}

Result<std::size_t> PortRules::repair() {
  std::size_t repaired = 0;
  for (auto& [rule, handle] : installed_) {
    if (table_->hits(handle)) continue;
    const auto created = table_->create(rule);
    if (!created) return std::unexpected(created.error());
    handle = *created;
    ++repaired;
  }
  return repaired;
}

}  // namespace bulkhead
