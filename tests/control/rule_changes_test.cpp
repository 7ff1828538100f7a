// SPDX-License-Identifier: Apache-2.0
#include "control/rule_changes.hpp"

#include <catch2/catch.hpp>

using namespace bulkhead;

namespace {

using Tier = SliceSteering::Tier;

/// A slice with a rule for each of `vlans`, by a queue of its own.
SliceSteering by_queue(uint16_t queue, std::initializer_list<uint16_t> vlans) {
  SliceSteering steering;
  steering.tier = Tier::queue;
  steering.queue = QueueId{queue};
  std::vector<FlowRule> rules;
  for (const uint16_t vlan : vlans) {
    FlowRule& rule = rules.emplace_back();
    rule.pattern.vid = {vlan, 0xfff};
    rule.action.queue = QueueId{queue};
  }
  steering.rules = std::move(rules);
  return steering;
}

SliceSteering in_software(const std::string& why_not) {
  SliceSteering steering;
  steering.why_not = why_not;
  return steering;
}

std::string said(const std::vector<SteeringChange>& slices) {
  const std::vector<RuleChanges> ports{rule_changes("left", slices)};
  return rule_changes_text(ports);
}

}  // namespace

TEST_CASE("what becomes of a port's flow rules is told in numbers, and by slice where its way changes") {
  const SliceSteering software = in_software("the port's 2 queues for slices are taken");
  const SliceSteering first = by_queue(1, {100});
  const SliceSteering moved = by_queue(2, {100});
  const SliceSteering more = by_queue(1, {100, 101, 102});
  struct Row {
    std::string description;
    std::vector<SteeringChange> slices;
    std::string text;
  };
  const std::vector<Row> rows{
      {"no rules, before or after", {{"a", &software, &software}, {"b", nullptr, &software}}, ""},
      {"all stays", {{"a", &first, &first}}, ""},
      {"from software to a queue",
       {{"a", &software, &more}},
       "port left: flow rules: 3 created, 0 destroyed, 0 kept\n"
       "slice a at port left: software -> hardware queue 1, 3 rules\n"},
      {"and back",
       {{"a", &first, &software}},
       "port left: flow rules: 0 created, 1 destroyed, 0 kept\n"
       "slice a at port left: hardware queue 1 -> software: the port's 2 queues for slices are taken\n"},
      {"another queue",
       {{"a", &first, &moved}},
       "port left: flow rules: 1 created, 1 destroyed, 0 kept\n"
       "slice a at port left: hardware queue 1 -> hardware queue 2, 1 rule\n"},
      {"more rules by the same queue",
       {{"a", &first, &more}},
       "port left: flow rules: 2 created, 0 destroyed, 1 kept\n"},
      {"who goes leaves its rule to who comes",
       {{"a", &first, nullptr}, {"b", nullptr, &first}},
       "slice b at port left: hardware queue 1, 1 rule\n"},
      {"who goes",
       {{"a", &first, nullptr}, {"b", &moved, &moved}},
       "port left: flow rules: 0 created, 1 destroyed, 1 kept\n"},
  };
  for (const Row& row : rows) {
    INFO(row.description);
    CHECK(said(row.slices) == row.text);
  }
}
