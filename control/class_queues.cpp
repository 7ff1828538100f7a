// SPDX-License-Identifier: Apache-2.0
#include "control/class_queues.hpp"

#include <algorithm>
#include <set>

namespace bulkhead {
namespace {

constexpr uint8_t kWholePcp = 7;

bool can_ask(const FlowPattern& pattern, const NicProfile& nic) {
  if (pattern.tags != FlowPattern::Tags::one) return false;
  const bool asks_already = pattern.pcp.mask == kWholePcp;
  const bool takes_more = nic.pcp != Compares::nothing && !nic.one_mask && !nic.one_input_set;
  return asks_already || takes_more;
}

}  // namespace

std::optional<std::vector<ClassRule>> class_rules(std::span<const FlowRule> rules,
                                                  const IngressClasses& classes, const NicProfile& nic) {
  std::vector<ClassRule> out;
  if (classes.count() < 2) return std::nullopt;
  for (const FlowRule& rule : rules) {
    if (!can_ask(rule.pattern, nic)) return std::nullopt;
    for (uint8_t pcp = 0; pcp <= kWholePcp; ++pcp) {
      if (!rule.pattern.pcp.matches(pcp)) continue;
      out.push_back({.rule = rule, .number = classes.of_pcp[pcp]});
      out.back().rule.pattern.pcp = {pcp, kWholePcp};
    }
  }
  if (classes_in(out).size() < 2) return std::nullopt;
  return out;
}

std::vector<uint8_t> classes_in(std::span<const ClassRule> rules) {
  std::set<uint8_t> numbers;
  for (const ClassRule& rule : rules) numbers.insert(rule.number);
  return {numbers.begin(), numbers.end()};
}

}  // namespace bulkhead
