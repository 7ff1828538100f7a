// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "nic/flow_rule.hpp"

namespace bulkhead {

/// Flow rules that nobody changes, and that are the same object for all who have a copy: to copy them, or to
/// find that they are what they were, does not look at a rule. Any thread.
class SharedRules {
 public:
  SharedRules() = default;
  SharedRules(std::vector<FlowRule> rules)  // NOLINT(google-explicit-constructor): a list of rules is one
      : rules_(std::make_shared<const std::vector<FlowRule>>(std::move(rules))) {}

  [[nodiscard]] const std::vector<FlowRule>& list() const {
    static const std::vector<FlowRule> none;
    return rules_ ? *rules_ : none;
  }
  [[nodiscard]] auto begin() const { return list().begin(); }
  [[nodiscard]] auto end() const { return list().end(); }
  [[nodiscard]] std::size_t size() const { return list().size(); }
  [[nodiscard]] bool empty() const { return list().empty(); }

  bool operator==(const SharedRules& other) const { return rules_ == other.rules_ || list() == other.list(); }

 private:
  std::shared_ptr<const std::vector<FlowRule>> rules_;
};

}  // namespace bulkhead
