// SPDX-License-Identifier: Apache-2.0
// Slices whose classes come by queues of their own.
#include <catch2/catch.hpp>

#include "tests/control/steered_lab.hpp"

namespace bulkhead {
namespace {

using namespace test;

/// Slice v100 of three classes, and others of one.
std::string with_classes(std::initializer_list<uint16_t> others, const std::string& more = "",
                         const std::string& flow_rules = "auto") {
  std::string text = SteeredLab::ports(flow_rules) + wire_section("v100", "left", "right", "100") + more +
                     "[[slice.class]]\npcp = [5, 6, 7]\nstrict = true\n" +
                     "[[slice.class]]\npcp = [3, 4]\nstrict = true\n";
  for (const uint16_t vlan : others)
    text += wire_section("v" + std::to_string(vlan), "left", "right", std::to_string(vlan));
  return text;
}

uint8_t pcp_of(const Frame& frame) { return frame[14] >> 5; }

TEST_CASE("a slice's classes have queues of their own, and a rule for each PCP leads there", "[steering]") {
  SteeredLab lab("mlx5");
  lab.start(with_classes({200}));
  const Snapshot::SlicePort port = lab.at_left("v100");
  REQUIRE(port.steering);
  CHECK(port.steering->queue == 1);
  CHECK(port.steering->class_queues == std::vector<uint16_t>{3, 4});
  CHECK(port.rules_hardware == 8);
  CHECK(port.steering->rules.back() ==
        "flow create 0 ingress group 1 pattern eth / vlan vid is 100 pcp is 7 / end actions queue index 3 / "
        "end");
  CHECK(lab.at_left("v200").steering->class_queues.empty());
  CHECK(lab.left_nic().rules().size() == 9);
  std::array<uint16_t, 8> queues{};
  for (uint8_t pcp = 0; pcp < 8; ++pcp) {
    lab.misled = [&](QueueId queue) {
      queues[pcp] = queue.value();
      return queue;
    };
    CHECK(lab.send(tag(numbered(pcp), 100, pcp)));
  }
  CHECK(queues == std::array<uint16_t, 8>{1, 1, 1, 4, 4, 3, 3, 3});
  CHECK(eventually([&] { return lab.at_left("v100").received_by_own_queue == 8; }));
  CHECK(lab.at_left("v100").isolation_violations == 0);
}

TEST_CASE("slices that come take queues from classes, and nobody loses a packet", "[steering]") {
  SteeredLab lab("mlx5");
  lab.start(with_classes({200}));
  // Seven queues besides the shared one are all that the device has, and five are open.
  CHECK(lab.reload(with_classes({200, 300})) == "done");
  CHECK(lab.at_left("v100").steering->class_queues == std::vector<uint16_t>{3, 4});
  CHECK(lab.at_left("v300").steering->queue == 5);
  CHECK(lab.reload(with_classes({200, 300, 400})) == "done");
  CHECK(lab.at_left("v100").steering->class_queues == std::vector<uint16_t>{3});
  CHECK(lab.at_left("v400").steering->queue == 4);
  CHECK(lab.reload(with_classes({200})) == "done");
  CHECK(lab.at_left("v100").steering->class_queues.size() == 2);
  for (uint8_t pcp = 0; pcp < 8; ++pcp) CHECK(lab.send(tag(numbered(pcp), 100, pcp)));
  CHECK(eventually([&] { return lab.at_left("v100").received_by_own_queue == 8; }));
  CHECK(lab.at_left("v100").isolation_violations == 0);
}

TEST_CASE("a NIC that refuses rules by class has all classes by one queue", "[steering]") {
  for (const std::string flow_rules : {"auto", "hardware"}) {
    INFO(flow_rules);
    SteeredLab lab("mlx5");
    // The first of the rules by class; what is asked for instead comes later.
    lab.left_nic().fault = [](std::size_t call) {
      return call == SteeredLab::kProbeCalls ? std::optional(Error("no PCP")) : std::nullopt;
    };
    lab.start(with_classes({200}, "", flow_rules));
    CHECK(lab.at_left("v100").steering->where == "hardware");
    CHECK(lab.at_left("v100").steering->queue == 1);
    CHECK(lab.at_left("v100").steering->class_queues.empty());
    CHECK(lab.left_nic().rules().size() == 2);
    CHECK(lab.right_nic().rules().size() == 9);
    CHECK(lab.send(tag(numbered(1), 100, 7)));
    CHECK(eventually([&] { return lab.at_left("v100").received_by_own_queue == 1; }));
  }
}

TEST_CASE("a stranger in a class's queue is found out as in any other", "[steering]") {
  SteeredLab lab("mlx5");
  lab.start(with_classes({200}));
  lab.misled = [](QueueId) { return QueueId{3}; };
  REQUIRE(lab.send(tag(numbered(1), 200)));
  CHECK(eventually([&] { return lab.accounted_at_left() == 1; }));
  CHECK(lab.received().empty());
  CHECK(lab.at_left("v100").isolation_violations == 1);
  lab.appliance().audit();
  const auto steering = lab.at_left("v100").steering;
  CHECK(steering->why_not_hardware == "1 packet of others came by its queues 3, 4, 1");
  CHECK(steering->class_queues.empty());
  CHECK(steering->suspects.size() == 8);
}

TEST_CASE("an overflowing queue of a low class loses nothing of a high one", "[steering]") {
  SteeredLab lab("mlx5");
  // Hardly ever visited: what it gets waits at the device.
  lab.start(with_classes({200}, "cpu = {cap = \"1%\"}\n"));
  constexpr uint32_t kHigh = 200;
  uint64_t lost = 0;
  uint64_t low = 0;
  uint32_t high = 0;
  // Frames of the high class come all the while, and long after the low one's queue is full.
  for (uint32_t i = 0; i < 2'000'000 && high < kHigh; ++i) {
    const bool taken = lab.send(tag(numbered(i), 100, 1));
    low += taken ? 1 : 0;
    lost += taken ? 0 : 1;
    if (lost > 0 && i % 20 == 0) {
      CHECK(lab.send(tag(numbered(i), 100, 6)));
      ++high;
    }
  }
  CHECK(high == kHigh);
  CHECK(lost > kHigh);
  uint64_t high_out = 0;
  uint64_t low_out = 0;
  CHECK(eventually([&] {
    for (const Frame& frame : lab.received()) ++(pcp_of(frame) == 6 ? high_out : low_out);
    return high_out + low_out == kHigh + low;
  }));
  CHECK(high_out == kHigh);
  CHECK(sum_of(lab.slice("v100").dropped) == 0);
}

}  // namespace
}  // namespace bulkhead
