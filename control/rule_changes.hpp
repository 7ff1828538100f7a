// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "control/steering_plan.hpp"

/// What a change of configuration does to hardware flow rules, for people. Pure: compares plans.
namespace bulkhead {

/// A slice at a port, before and after; null where it was not, or will not be, steered there.
struct SteeringChange {
  std::string slice;
  const SliceSteering* before = nullptr;
  const SliceSteering* after = nullptr;
};

/// What becomes of one port's rules.
struct RuleChanges {
  std::string port;
  std::size_t created = 0;
  std::size_t destroyed = 0;
  std::size_t kept = 0;
  std::vector<std::string> slices;  // "slice a at port left: software -> hardware queue 3, 8 rules"

  bool operator==(const RuleChanges&) const = default;
};

/// A rule is kept where it is the same before and after, whosever it is. Slices are named that come by
/// another way than before, or are new.
[[nodiscard]] RuleChanges rule_changes(std::string port, std::span<const SteeringChange> slices);

/// A line for each port whose rules change, and one for each slice named. Nothing where no rules are or were.
[[nodiscard]] std::string rule_changes_text(std::span<const RuleChanges> ports);

}  // namespace bulkhead
