// SPDX-License-Identifier: Apache-2.0
#include "control/port_rules.hpp"

#include <algorithm>
#include <catch2/catch.hpp>

#include "tests/support/simulated_nic.hpp"

namespace bulkhead {
namespace {

using test::SimulatedNic;

const NicProfile& mlx5() { return *std::ranges::find(nic_profiles(), "mlx5", &NicProfile::name); }

FlowRule rule(uint16_t vid, uint16_t queue = 1) {
  FlowRule rule{.pattern = {}, .action = {}, .group = 1};
  rule.pattern.tags = FlowPattern::Tags::one;
  rule.pattern.vid = {vid, 0xfff};
  rule.action.queue = QueueId{queue};
  return rule;
}

using Groups = std::vector<PortRules::Group>;

/// A NIC and the rules in it, of which the test keeps both.
struct Device {
  explicit Device(PortRules::Order order = PortRules::Order::create_first)
      : nic(new SimulatedNic(mlx5())), rules(std::unique_ptr<FlowTable>(nic), order) {}

  [[nodiscard]] std::vector<FlowRule> in_force() const {
    std::vector<FlowRule> all = nic->rules();
    std::ranges::sort(all);
    return all;
  }
  /// Fails the calls with these numbers, counted from now on.
  void fail_calls(std::vector<std::size_t> which) {
    nic->fault = [which = std::move(which), first = nic->calls()](std::size_t call) {
      return std::ranges::find(which, call - first) != which.end() ? std::optional(Error("broken"))
                                                                   : std::nullopt;
    };
  }

  SimulatedNic* nic;  // the rules own it
  PortRules rules;
};

Groups groups(std::initializer_list<std::vector<FlowRule>> of) {
  Groups out;
  for (const std::vector<FlowRule>& rules : of) out.push_back({.owner = out.size(), .rules = rules});
  return out;
}

}  // namespace

TEST_CASE("a change creates what is new, destroys what is old, and leaves the rest alone", "[port_rules]") {
  Device device;
  REQUIRE(device.rules.change(groups({{rule(1), rule(2)}, {rule(3)}}), true));
  CHECK(device.in_force() == std::vector{rule(1), rule(2), rule(3)});
  const std::size_t calls = device.nic->calls();
  REQUIRE(device.rules.change(groups({{rule(2)}, {rule(3)}, {rule(4)}}), true));
  CHECK(device.in_force() == std::vector{rule(2), rule(3), rule(4)});
  CHECK(device.nic->calls() - calls == 2);
  REQUIRE(device.rules.change({}, true));
  CHECK(device.in_force().empty());
}

TEST_CASE("rules that go from one group to another stay", "[port_rules]") {
  Device device;
  REQUIRE(device.rules.change(groups({{rule(1), rule(2)}, {rule(3)}, {rule(4)}}), false));
  const std::size_t calls = device.nic->calls();
  // The first slice went, and took one rule along; those after it have other numbers.
  REQUIRE(device.rules.change(groups({{rule(3)}, {rule(2), rule(4)}}), false));
  CHECK(device.in_force() == std::vector{rule(2), rule(3), rule(4)});
  CHECK(device.nic->calls() - calls == 1);
}

TEST_CASE("what could not be undone is made good by the next change, also where groups stay as they were",
          "[port_rules]") {
  Device device;
  REQUIRE(device.rules.change(groups({{rule(1)}, {rule(2)}}), false));
  // The second new rule is refused, and the first cannot be taken out again.
  device.fail_calls({1, 2});
  REQUIRE_FALSE(device.rules.change(groups({{rule(1)}, {rule(2)}, {rule(3), rule(4)}}), false));
  CHECK(device.in_force() == std::vector{rule(1), rule(2), rule(3)});
  device.nic->fault = nullptr;
  REQUIRE(device.rules.change(groups({{rule(1)}, {rule(2)}}), false));
  CHECK(device.in_force() == std::vector{rule(1), rule(2)});
}

TEST_CASE("a rule for the same frames makes way before the new one comes", "[port_rules]") {
  Device device;
  REQUIRE(device.rules.change(groups({{rule(1, 1)}}), false));
  REQUIRE(device.rules.change(groups({{rule(1, 2)}}), false));
  CHECK(device.in_force() == std::vector{rule(1, 2)});
  // Creating fails; what made way comes back.
  device.fail_calls({1});
  CHECK_FALSE(device.rules.change(groups({{rule(1, 3)}}), false));
  CHECK(device.in_force() == std::vector{rule(1, 2)});
}

TEST_CASE("a refused rule takes its group along, where that may be, and no other", "[port_rules]") {
  Device device;
  REQUIRE(device.rules.change(groups({{rule(1)}, {rule(2)}}), true));
  device.fail_calls({1});  // the second rule of the first group's two new ones
  const auto refused =
      device.rules.change(groups({{rule(1), rule(10), rule(11)}, {rule(2), rule(20)}}), true);
  REQUIRE(refused);
  REQUIRE(refused->size() == 1);
  CHECK(refused->front().owner == 0);
  CHECK(refused->front().why.message() == "broken");
  CHECK(device.in_force() == std::vector{rule(2), rule(20)});
}

TEST_CASE("whatever call fails, in whatever order, all is as before", "[port_rules]") {
  for (const auto order : {PortRules::Order::create_first, PortRules::Order::destroy_first}) {
    std::size_t failing = 0;
    for (bool done = false; !done; ++failing) {
      Device device(order);
      REQUIRE(device.rules.change(groups({{rule(1), rule(2)}, {rule(3)}}), false));
      const auto before = device.in_force();
      device.fail_calls({failing});
      done = device.rules.change(groups({{rule(4), rule(5)}, {rule(3, 2), rule(6)}}), false).has_value();
      INFO("call " << failing);
      if (!done) CHECK(device.in_force() == before);
      // What the object believes is what the device has.
      device.nic->fault = nullptr;
      REQUIRE(device.rules.change({}, false));
      CHECK(device.in_force().empty());
    }
    CHECK(failing == 8);  // four are created, three destroyed
  }
}

TEST_CASE("what cannot be undone is said", "[port_rules]") {
  Device device;
  REQUIRE(device.rules.change(groups({{rule(1)}}), false));
  device.fail_calls({1, 2});
  const auto done = device.rules.change(groups({{rule(2), rule(3)}}), false);
  REQUIRE_FALSE(done);
  CHECK(done.error().message() == "broken; and could not be undone: broken");
}

TEST_CASE("what a device has lost is created again", "[port_rules]") {
  Device device;
  REQUIRE(device.rules.change(groups({{rule(1), rule(2), rule(3)}}), false));
  CHECK(device.rules.repair() == 0u);
  device.nic->lose_rule(1);
  CHECK(device.rules.repair() == 1u);
  CHECK(device.in_force() == std::vector{rule(1), rule(2), rule(3)});
  device.nic->lose_rules();
  CHECK(device.rules.repair() == 3u);
  device.nic->lose_rules();
  device.fail_calls({0});
  CHECK_FALSE(device.rules.repair());
}

}  // namespace bulkhead
