// SPDX-License-Identifier: Apache-2.0
#include "control/port_rules.hpp"

#include <set>
#include <utility>

namespace bulkhead {

Result<std::vector<PortRules::Refusal>> PortRules::change(std::span<const Group> wanted, bool may_refuse) {
  std::vector<Refusal> refused;
  std::vector<Step> done;
  std::set<FlowRule> keep;
  for (const Group& group : wanted) keep.insert(group.rules.begin(), group.rules.end());
  if (order_ == Order::destroy_first)
    if (auto destroyed = destroy_all_but(keep, done); !destroyed)
      return std::unexpected(undo(done, 0, destroyed.error()));
  for (const Group& group : wanted) {
    const std::size_t before = done.size();
    auto created = create_group(group, done);
    if (created) continue;
    Error why = undo(done, before, created.error());
    if (!may_refuse) return std::unexpected(undo(done, 0, why));
    refused.push_back({.owner = group.owner, .why = std::move(why)});
    for (const FlowRule& rule : group.rules) keep.erase(rule);
  }
  if (auto destroyed = destroy_all_but(keep, done); !destroyed)
    return std::unexpected(undo(done, 0, destroyed.error()));
  return refused;
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

Result<void> PortRules::destroy_all_but(const std::set<FlowRule>& keep, std::vector<Step>& done) {
  std::vector<FlowRule> old;
  for (const auto& [rule, handle] : installed_)
    if (!keep.contains(rule)) old.push_back(rule);
  for (const FlowRule& rule : old) {
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
    if (auto undone = step.created ? destroy(step.rule) : create(step.rule); !undone)
      text += "; and could not be undone: " + undone.error().message();
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
