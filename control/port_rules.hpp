// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <vector>

#include "control/shared_rules.hpp"
#include "nic/flow_table.hpp"

namespace bulkhead {

/// The flow rules in force in one port's device, changed as a whole or not at all. Control thread.
class PortRules {
 public:
  /// Rules that stand or fall together: those of one slice. They are disjoint from all others.
  struct Group {
    std::size_t owner = 0;
    SharedRules rules;
  };
  struct Refusal {
    std::size_t owner = 0;
    Error why;
  };

  /// Which come first where rules change: the new ones, so that a slice is never without; or the old ones,
  /// for a device that does not take the new beside them. Rules for the same frames always make way first.
  enum class Order : uint8_t { create_first, destroy_first };

  PortRules(std::unique_ptr<FlowTable> table, Order order) : table_(std::move(table)), order_(order) {}

  /// Puts exactly the rules of `wanted` in force; those that are already are left alone. A group of which a
  /// rule is refused is left out as a whole where `may_refuse`, and named in the answer. Any other failure,
  /// or any at all where not, is an error, and the rules in force are what they were before. Groups whose
  /// owner has the same rules in force cost a look at their SharedRules, not one at each rule.
  Result<std::vector<Refusal>> change(std::span<const Group> wanted, bool may_refuse);

  /// Creates again what the device has lost, as far as it can tell. Returns how many rules that were.
  Result<std::size_t> repair();

  [[nodiscard]] std::size_t size() const { return installed_.size(); }

 private:
  using Installed = std::map<FlowRule, FlowHandle>;

  Result<void> create(const FlowRule& rule);
  Result<void> destroy(const FlowRule& rule);
  /// What a change has done so far, the last first, to be undone.
  struct Step {
    bool created;
    FlowRule rule;
  };
  Error undo(std::vector<Step>& steps, std::size_t down_to, const Error& because);
  Result<void> create_group(const Group& group, std::vector<Step>& done);
  Result<void> make_way(const FlowRule& rule, std::vector<Step>& done);
  /// What a change has to do: the groups that differ, and rules that are in force and in none of them.
  struct Difference {
    std::vector<const Group*> groups;
    std::set<FlowRule> old;
  };
  [[nodiscard]] Difference difference_to(std::span<const Group> wanted) const;
  Result<void> destroy_all(const std::set<FlowRule>& old, std::vector<Step>& done);
  Result<std::vector<Refusal>> carry_out(Difference& difference, bool may_refuse);

  std::unique_ptr<FlowTable> table_;
  Order order_;
  Installed installed_;
  std::map<std::size_t, SharedRules> in_force_;  // by owner; all of `installed_`, while is_known_
  bool is_known_ = true;                         // not after a step that could not be undone
};

}  // namespace bulkhead
