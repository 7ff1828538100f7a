// SPDX-License-Identifier: Apache-2.0
#include "control/steering.hpp"

#include <catch2/catch.hpp>

#include "tests/control/steered_lab.hpp"

namespace bulkhead {
namespace {

using namespace test;

/// Sends frames one by one, waiting where the device is full, and takes what comes out.
std::vector<Frame> pass(SteeredLab& lab, const std::vector<Frame>& frames, std::size_t expected) {
  std::vector<Frame> out;
  const auto take = [&] {
    for (Frame& frame : lab.received()) out.push_back(std::move(frame));
  };
  for (const Frame& frame : frames)
    CHECK(eventually([&] {
      take();
      return lab.send(frame);
    }));
  CHECK(eventually([&] {
    take();
    return out.size() >= expected;
  }));
  return out;
}

std::vector<Frame> numbered_in(uint16_t vlan, uint32_t count, uint32_t first = 0) {
  std::vector<Frame> frames;
  for (uint32_t i = 0; i < count; ++i) frames.push_back(tag(numbered(first + i), vlan));
  return frames;
}

TEST_CASE("a NIC that can steers slices' packets past the demultiplexer", "[steering]") {
  SteeredLab lab("mlx5");
  lab.start(wires({100, 200}));
  CHECK(lab.left_nic().rules().size() == 2);
  CHECK(lab.right_nic().rules().size() == 2);
  CHECK(pass(lab, numbered_in(100, 300), 300).size() == 300);
  CHECK(pass(lab, numbered_in(200, 50), 50).size() == 50);
  // What no rule has comes by the shared queue: here a service tag, which NICs take for an unknown type.
  CHECK(pass(lab, {tag(numbered(1), 100, 0, false, kEthertypeServiceTag)}, 1).size() == 1);
  const Snapshot::SlicePort port = lab.at_left("v100");
  CHECK(port.received.packets == 301);
  CHECK(port.received_by_own_queue == 300);
  CHECK(port.isolation_violations == 0);
  CHECK(port.rules_hardware == 1);
  CHECK(port.rules_software == 0);
  REQUIRE(port.steering);
  CHECK(port.steering->where == "hardware");
  CHECK(port.steering->queue == 1);
  CHECK(port.steering->why_not_hardware.empty());
  CHECK(port.steering->rules ==
        std::vector<std::string>{"flow create 0 ingress group 1 pattern eth / vlan vid is 100 / end actions "
                                 "queue index 1 / end"});
}

TEST_CASE("a NIC that takes no rules, and flow_rules = \"software\", leave all to software", "[steering]") {
  struct Row {
    std::string family;
    std::string flow_rules;
    std::string why;
  };
  for (const Row& row : {Row{"nothing", "auto", "its driver takes no flow rules"},
                         Row{"mlx5", "software", "flow_rules = \"software\""}, Row{"ixgbe", "auto", ""}}) {
    INFO(row.family);
    SteeredLab lab(row.family);
    lab.start(wires({100, 200}, row.flow_rules));
    CHECK(pass(lab, numbered_in(100, 40), 40).size() == 40);
    const Snapshot::SlicePort port = lab.at_left("v100");
    REQUIRE(port.steering);
    CHECK(port.steering->why_not_hardware == row.why);
    CHECK(port.rules_software == (row.why.empty() ? 0 : 1));
    CHECK(port.received_by_own_queue == (row.why.empty() ? 40 : 0));
  }
}

TEST_CASE("flow_rules = \"hardware\" refuses to start where a rule cannot be in hardware", "[steering]") {
  SteeredLab lab("iavf");
  const auto started = lab.try_start(wires({100}, "hardware"));
  REQUIRE_FALSE(started);
  CHECK(started.error().kind() == ApplianceFault::Kind::refused);
  CHECK_THAT(
      started.error().message(),
      Catch::StartsWith("port left: flow_rules = \"hardware\", and the rules of slice v100 cannot be in "
                        "hardware: iavf "));
}

TEST_CASE("what a NIC refuses is left to software, with its words", "[steering]") {
  SteeredLab lab("mlx5");
  lab.left_nic().fault = [](std::size_t call) {
    return call == SteeredLab::kProbeCalls ? std::optional(Error("no room for this one")) : std::nullopt;
  };
  lab.start(wires({100, 200}));
  CHECK(lab.at_left("v100").steering->why_not_hardware == "no room for this one");
  CHECK(lab.at_left("v100").rules_software == 1);
  CHECK(lab.at_left("v200").steering->queue == 2);
  CHECK(pass(lab, numbered_in(100, 10), 10).size() == 10);
  CHECK(pass(lab, numbered_in(200, 10), 10).size() == 10);
}

TEST_CASE("a NIC that refuses probe rules is asked for no others", "[steering]") {
  SteeredLab lab("mlx5");
  lab.left_nic().fault = [](std::size_t) { return std::optional(Error("not in this firmware")); };
  lab.start(wires({100, 200}));
  CHECK(lab.left_nic().calls() == 2);
  for (const char* slice : {"v100", "v200"}) {
    CHECK(lab.at_left(slice).rules_software == 1);
    CHECK(lab.at_left(slice).steering->why_not_hardware ==
          "its device refused a probe rule: not in this firmware");
  }
  CHECK(lab.right_nic().rules().size() == 2);
  CHECK(pass(lab, numbered_in(100, 10), 10).size() == 10);
  // It is the device's, whatever becomes of the configuration.
  CHECK(lab.reload(wires({100, 200, 300})) == "done");
  CHECK(lab.left_nic().calls() == 2);
  CHECK(lab.at_left("v300").rules_software == 1);
}

TEST_CASE("a NIC that only marks, whatever its family does, marks", "[steering]") {
  SteeredLab lab("mlx5");
  lab.left_nic().fault = [](std::size_t call) {
    return call == 0 ? std::optional(Error("no queues")) : std::nullopt;
  };
  lab.start(wires({100}));
  CHECK(lab.at_left("v100").rules_mark == 1);
  CHECK(lab.at_left("v100").steering->why_not_hardware == "its device refused a probe rule: no queues");
  CHECK(pass(lab, numbered_in(100, 10), 10).size() == 10);
  CHECK(lab.at_left("v100").received_by_own_queue == 0);
}

TEST_CASE("a device that was opened for a change which its NIC refused is closed", "[steering]") {
  SteeredLab lab("mlx5");
  const RingDevice third("third", 1023, SteeredLab::kQueues);
  const auto with_third = [](const std::string& flow_rules) {
    return SteeredLab::ports("hardware") + port_section("third", "net_ring_third") + "flow_rules = \"" +
           flow_rules + "\"\n" + wire_section("v100", "left", "right", "100") +
           wire_section("v200", "left", "third", "200");
  };
  lab.start(wires({100}, "hardware"));
  lab.right_nic().fault = [first = lab.right_nic().calls() + SteeredLab::kProbeCalls](std::size_t call) {
    return call >= first ? std::optional(Error("not here")) : std::nullopt;
  };
  CHECK_THAT(lab.reload(with_third("hardware")), Catch::Contains("not here"));
  // As long as it is open, it cannot be opened again.
  CHECK(lab.reload(with_third("auto")) == "done");
  lab.stop();
}

TEST_CASE("a stranger in a slice's queue goes no further, and the slice is left to software", "[steering]") {
  SteeredLab lab("mlx5");
  lab.start(wires({100, 200}));
  // Another VLAN's packets, as a shipped driver was seen to deliver them.
  lab.misled = [](QueueId) { return QueueId{1}; };
  for (const Frame& frame : numbered_in(200, 7)) REQUIRE(lab.send(frame));
  REQUIRE(lab.send(tag(numbered(0), 4095)));
  CHECK(eventually([&] { return lab.accounted_at_left() == 8; }));
  CHECK(lab.received().empty());
  CHECK(lab.at_left("v100").isolation_violations == 7);
  CHECK(count_of(lab.appliance().snapshot().ports.at(0).unclaimed, "malformed") == 1);

  lab.appliance().audit();
  CHECK(lab.at_left("v100").rules_software == 1);
  CHECK(lab.at_left("v100").steering->why_not_hardware == "7 packets of others came by its queue 1");
  CHECK(lab.at_left("v100").steering->suspects ==
        std::vector<std::string>{"flow create 0 ingress group 1 pattern eth / vlan vid is 100 / end actions "
                                 "queue index 1 / end"});
  CHECK(lab.at_left("v200").steering->suspects.empty());
  CHECK(lab.left_nic().rules().size() == 1);
  CHECK(lab.at_left("v200").rules_hardware == 1);
  // The queue is everybody's now, and the NIC may go on as it likes.
  CHECK(pass(lab, numbered_in(200, 20), 20).size() == 20);
  CHECK(pass(lab, numbered_in(100, 20), 20).size() == 20);
  CHECK(lab.at_left("v100").isolation_violations == 7);
}

TEST_CASE("distrust ends with the slice that it was for", "[steering]") {
  SteeredLab lab("mlx5");
  lab.start(wires({100, 200}));
  lab.misled = [](QueueId) { return QueueId{1}; };
  REQUIRE(lab.send(numbered_in(200, 1).front()));
  CHECK(eventually([&] { return lab.accounted_at_left() == 1; }));
  lab.appliance().audit();
  CHECK(lab.reload(wires({200, 300})) == "done");
  CHECK(lab.at_left("v300").steering->where == "hardware");
  CHECK(lab.reload(wires({100, 200})) == "done");
  CHECK(lab.at_left("v100").steering->where == "hardware");
  CHECK(lab.at_left("v100").isolation_violations == 0);
  // Nothing new has come: the slice is trusted on.
  lab.appliance().audit();
  CHECK(lab.at_left("v100").steering->where == "hardware");
}

TEST_CASE("rules that a NIC has lost are put back and counted", "[steering]") {
  SteeredLab lab("mlx5");
  lab.start(wires({100, 200, 300}));
  lab.left_nic().lose_rules();
  lab.right_nic().lose_rule(1);
  lab.appliance().audit();
  CHECK(lab.left_nic().rules().size() == 3);
  CHECK(lab.right_nic().rules().size() == 3);
  CHECK(lab.appliance().snapshot().flow_rules_restored == 4);
  CHECK(pass(lab, numbered_in(200, 20), 20).size() == 20);
  CHECK(lab.at_left("v200").received_by_own_queue == 20);
}

TEST_CASE("slices come and go, and the others keep queue, rules and counters", "[steering]") {
  SteeredLab lab("mlx5");
  lab.start(wires({100, 200}));
  CHECK(pass(lab, numbered_in(200, 20), 20).size() == 20);
  const auto before = lab.at_left("v200").steering->rules;
  CHECK(lab.reload(wires({300, 200})) == "done");
  CHECK(lab.at_left("v200").steering->rules == before);
  CHECK(lab.at_left("v200").received_by_own_queue == 20);
  CHECK(lab.at_left("v300").steering->queue == 1);
  CHECK(lab.left_nic().rules().size() == 2);
  CHECK(pass(lab, numbered_in(300, 20), 20).size() == 20);
  // Queues that are free stay everybody's.
  CHECK(lab.reload(wires({200})) == "done");
  CHECK(lab.left_nic().rules().size() == 1);
}

TEST_CASE("what becomes of the rules is said before it is done, and when it was", "[steering]") {
  SteeredLab lab("mlx5");
  lab.start(wires({100, 200}));
  CHECK(rule_changes_text(lab.appliance().rules_changed()) ==
        "port left: flow rules: 2 created, 0 destroyed, 0 kept\n"
        "slice v100 at port left: hardware queue 1, 1 rule\n"
        "slice v200 at port left: hardware queue 2, 1 rule\n"
        "port right: flow rules: 2 created, 0 destroyed, 0 kept\n"
        "slice v100 at port right: hardware queue 1, 1 rule\n"
        "slice v200 at port right: hardware queue 2, 1 rule\n");
  const std::string next = wires({300, 200, 400});
  const std::size_t calls = lab.left_nic().calls();
  const auto planned = lab.appliance().plan_rules(accepted(next));
  CHECK(lab.left_nic().calls() == calls);
  CHECK_THAT(rule_changes_text(planned),
             Catch::StartsWith("port left: flow rules: 2 created, 1 destroyed, 1 kept\n"
                               "slice v300 at port left: hardware queue 1, 1 rule\n"
                               "slice v400 at port left: hardware queue 3, 1 rule\n"
                               "port right: "));
  CHECK(lab.reload(next) == "done");
  CHECK(lab.appliance().rules_changed() == planned);
  // What a NIC refuses only shows when it is asked.
  lab.left_nic().fault = [&](std::size_t) { return std::optional(Error("no more")); };
  CHECK(lab.reload(wires({300, 200, 400, 500})) == "done");
  CHECK_THAT(rule_changes_text(lab.appliance().rules_changed()),
             Catch::StartsWith("slice v500 at port left: software: no more\nport right: "));
}

/// Everything of two NICs and the data path that a failed change must leave as it was.
struct State {
  std::vector<FlowRule> left;
  std::vector<FlowRule> right;
  std::string slices;
  bool operator==(const State&) const = default;
};

State state_of(SteeredLab& lab) {
  State state{.left = lab.left_nic().rules(), .right = lab.right_nic().rules(), .slices = {}};
  std::ranges::sort(state.left);
  std::ranges::sort(state.right);
  for (const Snapshot::Slice& slice : lab.appliance().snapshot().slices) {
    state.slices += slice.name + ":";
    for (const Snapshot::SlicePort& port : slice.ports) state.slices += port.steering->where + ",";
  }
  return state;
}

TEST_CASE("whatever call to a NIC fails, a change that must be in hardware happens wholly or not at all",
          "[steering]") {
  const std::string old_text = wires({100, 200, 300}, "hardware");
  const std::string new_text = wires({200, 400, 500}, "hardware");
  std::size_t failures = 0;
  for (std::size_t failing = 0; failing < 64; ++failing) {
    SteeredLab lab("mlx5");
    lab.start(old_text);
    const State before = state_of(lab);
    const std::size_t left_calls = lab.left_nic().calls();
    const std::size_t right_calls = lab.right_nic().calls();
    // Calls are counted over both NICs, in the order in which they come.
    std::size_t now = 0;
    const auto fail_once = [&](std::size_t) {
      return now++ == failing ? std::optional(Error("the bus is on fire")) : std::nullopt;
    };
    lab.left_nic().fault = fail_once;
    lab.right_nic().fault = fail_once;
    const std::string said = lab.reload(new_text);
    if (said == "done") {
      // All calls were made before one could fail.
      CHECK(lab.left_nic().calls() - left_calls + lab.right_nic().calls() - right_calls <= failing);
      break;
    }
    ++failures;
    INFO("call " << failing << ": " << said);
    CHECK_THAT(said, Catch::Contains("the bus is on fire"));
    CHECK(state_of(lab) == before);
    CHECK(pass(lab, numbered_in(100, 5), 5).size() == 5);
    CHECK(lab.at_left("v100").received_by_own_queue == 5);
  }
  // Two new rules and two old ones at each port.
  CHECK(failures == 8);
}

TEST_CASE("a packet with a slice's mark that is not the slice's goes no further", "[steering]") {
  SteeredLab lab(marking_nic());
  lab.start(wires({100, 200}));
  CHECK(lab.at_left("v100").rules_mark == 1);
  CHECK(pass(lab, numbered_in(100, 20), 20).size() == 20);
  CHECK(lab.at_left("v100").isolation_violations == 0);
  lab.mismarked = [](uint32_t) { return 1; };
  for (const Frame& frame : numbered_in(200, 7)) REQUIRE(lab.send(frame));
  CHECK(eventually([&] { return lab.accounted_at_left() == 27; }));
  CHECK(lab.received().empty());
  CHECK(lab.at_left("v100").isolation_violations == 7);
  CHECK(lab.at_left("v200").received.packets == 0);
  lab.appliance().audit();
  CHECK(lab.at_left("v100").steering->why_not_hardware == "7 packets of others had its mark 1");
  CHECK(lab.at_left("v100").steering->suspects ==
        std::vector<std::string>{"flow create 0 ingress group 1 pattern eth / vlan vid is 100 / end actions "
                                 "queue index 0 / mark id 1 / end"});
  // The mark means nothing any more.
  CHECK(pass(lab, numbered_in(200, 20), 20).size() == 20);
}

}  // namespace
}  // namespace bulkhead
