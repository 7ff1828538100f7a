// SPDX-License-Identifier: Apache-2.0
#include "control/steering_plan.hpp"

#include <catch2/catch.hpp>

namespace bulkhead {
namespace {

using Tier = SliceSteering::Tier;

NicProfile nic(bool to_queue, bool to_mark) {
  NicProfile profile{.name = "some NIC", .drivers = {}};
  profile.to_queue = to_queue;
  profile.to_mark = to_mark;
  profile.group = 3;
  return profile;
}

using Patterns = std::shared_ptr<const SlicePatterns>;

Patterns shared(SlicePatterns patterns) { return std::make_shared<const SlicePatterns>(std::move(patterns)); }

SlicePatterns slice(uint16_t number, std::string why_software = "") {
  SlicePatterns patterns{
      .slice = SliceId{number}, .patterns = {}, .left_out = {}, .why_software = why_software};
  FlowPattern& pattern = patterns.patterns.emplace_back();
  pattern.ethertype = {number, 0xffff};
  return patterns;
}

/// "queue 1, queue 2, mark 4, software"
std::string tiers(const std::vector<SliceSteering>& plan) {
  std::string out;
  for (const SliceSteering& steering : plan) {
    if (!out.empty()) out += ", ";
    if (steering.tier == Tier::queue) out += "queue " + std::to_string(steering.queue.value());
    if (steering.tier == Tier::mark) out += "mark " + std::to_string(steering.mark);
    if (steering.tier == Tier::mark) CHECK(steering.rules.list().at(0).action.mark == steering.mark);
    if (steering.tier == Tier::software) out += "software";
    CHECK((steering.tier == Tier::software) == steering.rules.empty());
    CHECK((steering.tier == Tier::queue) == steering.why_not.empty());
  }
  return out;
}

}  // namespace

TEST_CASE("each slice gets the best tier that there is room for", "[steering_plan]") {
  using Rules = PortConfig::FlowRules;
  struct Row {
    std::string description;
    bool to_queue;
    bool to_mark;
    uint16_t queues;
    Rules rules;
    std::vector<SliceHistory> history;
    std::string tiers;
  };
  const std::vector<Row> rows{
      {"queues for all", true, true, 4, Rules::automatic, {}, "queue 1, queue 2, software, queue 3"},
      {"marks where queues run out",
       true,
       true,
       2,
       Rules::automatic,
       {},
       "queue 1, queue 2, software, mark 1"},
      {"or nothing", true, false, 2, Rules::automatic, {}, "queue 1, queue 2, software, software"},
      {"a NIC that only marks", false, true, 0, Rules::automatic, {}, "mark 1, mark 2, software, mark 3"},
      {"who has a mark keeps it, whatever number it is now",
       false,
       true,
       0,
       Rules::automatic,
       {{}, {}, {}, {.queue = {}, .class_queues = {}, .mark = 1, .distrust = ""}},
       "mark 2, mark 3, software, mark 1"},
      {"software is asked for", true, true, 4, Rules::software, {}, "software, software, software, software"},
      {"who has a queue keeps it",
       true,
       true,
       3,
       Rules::automatic,
       {{}, {.queue = QueueId{1}, .class_queues = {}, .mark = {}, .distrust = ""}},
       "queue 2, queue 1, software, queue 3"},
      {"not one that is not there any more",
       true,
       false,
       2,
       Rules::automatic,
       {{.queue = QueueId{9}, .class_queues = {}, .mark = {}, .distrust = ""}},
       "queue 1, queue 2, software, software"},
      {"who was failed has none",
       true,
       true,
       3,
       Rules::automatic,
       {{.queue = QueueId{1}, .class_queues = {}, .mark = {}, .distrust = "7 packets of others"}},
       "software, queue 1, software, queue 2"},
  };
  for (const Row& row : rows) {
    INFO(row.description);
    const NicProfile profile = nic(row.to_queue, row.to_mark);
    const std::vector<Patterns> slices{shared(slice(0)), shared(slice(1)),
                                       shared(slice(2, "its VLANs are odd")), shared(slice(3))};
    const auto plan = plan_steering(
        slices,
        {.nic = profile, .refusal = {}, .own_queues = row.queues, .flow_rules = row.rules, .classes = {}},
        row.history);
    CHECK(tiers(plan) == row.tiers);
    if (row.rules == Rules::automatic) CHECK(plan[2].why_not == "its VLANs are odd");
    for (const SliceSteering& steering : plan)
      for (const FlowRule& rule : steering.rules) CHECK(rule.group == 3);
  }
}

TEST_CASE("where a priority is for one ethertype, rules for others have another", "[steering_plan]") {
  NicProfile profile = nic(true, false);
  profile.one_type_per_priority = true;
  SlicePatterns both = slice(0);
  both.patterns.emplace_back().network = FlowPattern::Network::ipv4;
  SlicePatterns one = slice(1);
  one.patterns.front() = both.patterns.back();
  const std::vector<Patterns> slices{shared(both), shared(one)};
  const auto plan =
      plan_steering(slices, {.nic = profile, .refusal = {}, .own_queues = 2, .classes = {}}, {});
  CHECK(plan[0].rules.list().at(0).priority != plan[0].rules.list().at(1).priority);
  CHECK(plan[0].rules.list().at(1).priority == plan[1].rules.list().at(0).priority);
}

}  // namespace bulkhead
