// SPDX-License-Identifier: Apache-2.0
// Rules by class, and that on every family's NIC each frame comes by the queue of its slice and class.
#include "control/class_queues.hpp"

#include <catch2/catch.hpp>
#include <random>
#include <set>

#include "classifier/kept_flow_rules.hpp"
#include "classifier/slice_table.hpp"
#include "control/steering_plan.hpp"
#include "tests/support/frames.hpp"
#include "tests/support/simulated_nic.hpp"

using namespace bulkhead;
using namespace bulkhead::test;

namespace {

using Tier = SliceSteering::Tier;

constexpr IngressClasses kOne{};
constexpr IngressClasses kTwo{{1, 1, 1, 1, 0, 0, 0, 0}};
constexpr IngressClasses kThree{{2, 2, 2, 1, 1, 1, 0, 0}};

NicProfile nic(uint32_t most_rules = 100) {
  NicProfile profile{.name = "some NIC", .drivers = {}};
  profile.to_queue = true;
  profile.most_rules = most_rules;
  profile.pcp = Compares::whole;
  return profile;
}

FlowRule tagged(uint16_t vid) {
  FlowRule rule;
  rule.pattern.tags = FlowPattern::Tags::one;
  rule.pattern.vid = {vid, 0xfff};
  return rule;
}

SliceHistory had(uint16_t queue, std::vector<QueueId> class_queues) {
  SliceHistory history;
  history.queue = QueueId{queue};
  history.class_queues = std::move(class_queues);
  return history;
}

}  // namespace

TEST_CASE("a rule for each PCP, where the NIC can and there is more than one class", "[class_queues]") {
  const auto count = [](const FlowRule& rule, const IngressClasses& classes, const NicProfile& profile) {
    const auto rules = class_rules(std::vector{rule}, classes, profile);
    return rules ? rules->size() : 0;
  };
  FlowRule untagged = tagged(100);
  untagged.pattern.tags = FlowPattern::Tags::any;
  FlowRule high = tagged(100);
  high.pattern.pcp = {6, 6};
  FlowRule five = tagged(100);
  five.pattern.pcp = {5, 7};
  NicProfile blind = nic();
  blind.pcp = Compares::nothing;
  NicProfile uniform = nic();
  uniform.one_mask = true;
  CHECK(count(tagged(100), kTwo, nic()) == 8);
  CHECK(count(tagged(100), kOne, nic()) == 0);
  CHECK(count(tagged(100), kTwo, blind) == 0);
  CHECK(count(tagged(100), kTwo, uniform) == 0);
  CHECK(count(untagged, kTwo, nic()) == 0);
  CHECK(count(high, kThree, nic()) == 0);  // 6 and 7 are one class
  CHECK(count(five, kTwo, nic()) == 0);

  const std::vector<FlowRule> both{five, tagged(200)};
  const auto rules = class_rules(both, kThree, nic());
  REQUIRE(rules);
  CHECK(rules->size() == 1 + 8);
  CHECK(rules->front().number == 1);
  CHECK(rules->back().number == 0);
  CHECK(rules->back().rule.pattern.pcp == Masked<uint8_t>{7, 7});
  CHECK(classes_in(*rules) == std::vector<uint8_t>{0, 1, 2});
  // A NIC whose rules all ask for the same fields can where they ask for the PCP already.
  const std::vector<FlowRule> asking{five, [&] {
                                       FlowRule rule = five;
                                       rule.pattern.pcp.value = 1;
                                       return rule;
                                     }()};
  CHECK(class_rules(asking, kTwo, uniform));
}

TEST_CASE("queues that are left are for classes, the highest first, in the order of the slices",
          "[class_queues]") {
  struct Row {
    std::string description;
    uint16_t queues;
    uint32_t most_rules;
    std::vector<SliceHistory> history;
    std::string queues_text;
  };
  const std::vector<Row> rows{
      {"none is left", 3, 100, {}, "queue 1; queue 2; queue 3; "},
      {"one is", 4, 100, {}, "queues 4, 1; queue 2; queue 3; "},
      {"enough for the first", 5, 100, {}, "queues 4, 5, 1; queue 2; queue 3; "},
      {"enough for all", 9, 100, {}, "queues 4, 5, 1; queue 2; queues 6, 3; "},
      {"not enough rules", 9, 16, {}, "queues 4, 5, 1; queue 2; queue 3; "},
      {"just enough", 9, 17, {}, "queues 4, 5, 1; queue 2; queues 6, 3; "},
      {"who has them keeps them",
       5,
       100,
       {{}, {}, had(3, {QueueId{4}})},
       "queues 5, 1; queue 2; queues 4, 3; "},
      {"but not while others have none",
       3,
       100,
       {had(1, {QueueId{2}, QueueId{3}}), {}, {}},
       "queue 1; queue 3; queue 2; "},
      {"where others find one they are not disturbed",
       5,
       100,
       {had(1, {QueueId{2}, QueueId{3}}), {}, {}},
       "queues 2, 3, 1; queue 4; queue 5; "},
  };
  for (const Row& row : rows) {
    INFO(row.description);
    std::vector<std::shared_ptr<const SlicePatterns>> slices;
    for (uint16_t slice = 0; slice < 3; ++slice)
      slices.push_back(std::make_shared<const SlicePatterns>(SlicePatterns{
          .slice = SliceId{slice}, .patterns = {tagged(slice).pattern}, .left_out = {}, .why_software = {}}));
    const std::vector<IngressClasses> classes{kThree, kOne, kTwo};
    const NicProfile profile = nic(row.most_rules);
    const auto plan = plan_steering(
        slices, {.nic = profile, .refusal = {}, .own_queues = row.queues, .classes = classes}, row.history);
    std::string text;
    for (const SliceSteering& steering : plan) text += queues_text(steering) + "; ";
    CHECK(text == row.queues_text);
  }
}

namespace {

constexpr PortId kPort{1};

/// Slices of random classes, each in two VLANs of its own, some with part of the PCPs only.
struct Policy {
  explicit Policy(std::mt19937& random) {
    const auto slices = static_cast<uint16_t>(1 + random() % 5);
    for (uint16_t slice = 0; slice < slices; ++slice) {
      FlowspaceEntry entry{.match = {}, .slice = SliceId{slice}};
      entry.match.port = {kPort.value(), kPort.value()};
      const uint32_t vlan = 10u * slice;
      entry.match.vlan = {vlan, vlan + 1};
      if (random() % 3 == 0) entry.match.pcp.bits = static_cast<uint8_t>(1 + random() % 255);
      pcps.push_back(static_cast<uint8_t>(entry.match.pcp.bits));
      entries.push_back(entry);
      IngressClasses& mine = classes.emplace_back();
      const auto most = 1 + random() % 4;
      for (uint8_t& number : mine.of_pcp) number = static_cast<uint8_t>(random() % most);
    }
  }

  /// How many classes that the slice's frames can be of come before a frame's.
  [[nodiscard]] std::size_t rank(std::size_t slice, uint8_t pcp) const {
    std::set<uint8_t> higher;
    for (uint8_t other = 0; other < 8; ++other)
      if ((pcps[slice] >> other & 1) != 0 && classes[slice].of_pcp[other] < classes[slice].of_pcp[pcp])
        higher.insert(classes[slice].of_pcp[other]);
    return higher.size();
  }

  std::vector<FlowspaceEntry> entries;
  std::vector<IngressClasses> classes;
  std::vector<uint8_t> pcps;
};

const SliceSteering& steering_of(const std::vector<SliceSteering>& plan, SliceId slice) {
  return *std::ranges::find(plan, slice, &SliceSteering::slice);
}

void create_all(const std::vector<SliceSteering>& plan, const NicProfile& profile, SimulatedNic& device) {
  std::set<uint16_t> queues;
  for (const SliceSteering& steering : plan) {
    for (const FlowRule& rule : steering.rules)
      if (const auto created = device.create(rule); !created)
        FAIL(profile.name << ": " << created.error().message());
    if (steering.tier != Tier::queue) continue;
    CHECK(queues.insert(steering.queue.value()).second);
    for (const QueueId queue : steering.class_queues) CHECK(queues.insert(queue.value()).second);
  }
}

/// Whether the frame comes by a queue of its class's own. Fails where it is neither its slice's nor its
/// class's.
bool check_frame(const Frame& frame, uint8_t pcp, const Policy& policy, const SliceTable& table,
                 const std::vector<SliceSteering>& plan, SimulatedNic& device) {
  const auto action = device.steer(frame);
  if (!action) return false;
  CHECK(device.rules_for(frame) == 1);
  FrameTag seen;
  const Verdict verdict =
      table.classify(kPort, FrameView{frame.data(), static_cast<uint32_t>(frame.size())}, seen);
  REQUIRE(verdict.is_slice());
  const SliceSteering& steering = steering_of(plan, verdict.slice());
  if (action->kind == FlowAction::Kind::mark) {
    CHECK(action->mark == steering.mark);
    return false;
  }
  const std::size_t rank = policy.rank(verdict.slice().value(), pcp);
  const bool has_own = rank < steering.class_queues.size();
  CHECK(action->queue == (has_own ? steering.class_queues[rank] : steering.queue));
  return has_own;
}

}  // namespace

TEST_CASE("whatever the NIC, every frame that it steers comes by the queue of its slice and class",
          "[class_queues]") {
  for (const NicProfile& family : nic_profiles()) {
    std::mt19937 random(41);
    INFO(family.name);
    uint64_t by_class = 0;
    for (int round = 0; round < 60; ++round) {
      const Policy policy(random);
      NicProfile profile = family;
      if (random() % 2 == 0)
        profile.most_rules = std::min<uint32_t>(profile.most_rules, static_cast<uint32_t>(random() % 64));
      const auto table = SliceTable::compile(policy.entries);
      REQUIRE(table);
      KeptFlowRules compiled(kPort, profile);
      compiled.compile(policy.entries);
      const auto plan = plan_steering(compiled.slices(),
                                      {.nic = profile,
                                       .refusal = {},
                                       .own_queues = static_cast<uint16_t>(random() % 12),
                                       .classes = policy.classes},
                                      {});
      SimulatedNic device(profile);
      create_all(plan, profile, device);
      for (int n = 0; n < 60; ++n) {
        const auto pcp = static_cast<uint8_t>(random() % 8);
        const auto vid = static_cast<uint16_t>(random() % 5 * 10 + random() % 3);
        by_class += check_frame(tag(numbered(1), vid, pcp), pcp, policy, *table, plan, device) ? 1 : 0;
      }
    }
    const bool takes_tags = family.vid != Compares::nothing && family.pcp != Compares::nothing;
    const bool any_fields = !family.one_mask && !family.one_input_set;
    if (takes_tags && any_fields) CHECK(by_class > 100);
    if (family.pcp == Compares::nothing) CHECK(by_class == 0);
  }
}
