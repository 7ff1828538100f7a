// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "control/ingress_classes.hpp"
#include "nic/flow_rule.hpp"
#include "nic/nic_profile.hpp"

/// Rules that tell a slice's classes apart by PCP, so that each can come by a queue of its own, and one that
/// overflows loses nothing of the others. Pure.
namespace bulkhead {

/// A rule for one PCP, and the class of its frames.
struct ClassRule {
  FlowRule rule;
  uint8_t number = 0;
};

/// The rules, each once for every PCP that it has; disjoint as they were. Nothing where the NIC cannot have
/// them: it does not compare PCPs, or wants all rules to ask for the same fields and these would ask for one
/// more; or a rule is not for frames with a tag, whose class it cannot tell. Nothing either where all frames
/// are of one class.
[[nodiscard]] std::optional<std::vector<ClassRule>> class_rules(std::span<const FlowRule> rules,
                                                                const IngressClasses& classes,
                                                                const NicProfile& nic);

/// The classes that rules lead to, the highest first.
[[nodiscard]] std::vector<uint8_t> classes_in(std::span<const ClassRule> rules);

}  // namespace bulkhead
