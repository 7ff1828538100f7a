// SPDX-License-Identifier: Apache-2.0
// Slices that hardware steers, while ports are opened again, changes fail, and rules have to make way.
#include <algorithm>
#include <catch2/catch.hpp>
#include <new>

#include "tests/control/steered_lab.hpp"

namespace bulkhead {
namespace {

using namespace test;

/// Slice v100 as ever, and v200 at a third port whose device has these arguments.
std::string with_third(const std::string& arguments) {
  return SteeredLab::ports() + port_section("third", "net_null0,no-rx=1" + arguments) +
         wire_section("v100", "left", "right", "100") + wire_section("v200", "left", "third", "200");
}

bool goes_by_its_queue(SteeredLab& lab, const std::string& slice, uint16_t vlan) {
  const uint64_t before = lab.at_left(slice).received_by_own_queue;
  return lab.send(tag(numbered(0), vlan)) &&
         eventually([&] { return lab.at_left(slice).received_by_own_queue == before + 1; });
}

TEST_CASE("slices keep their queues while a port of others is opened again", "[steering]") {
  SteeredLab lab("mlx5");
  lab.start(with_third(""));
  CHECK(goes_by_its_queue(lab, "v100", 100));
  CHECK(lab.reload(with_third(",size=128")) == "done");
  CHECK(goes_by_its_queue(lab, "v100", 100));
  CHECK(goes_by_its_queue(lab, "v200", 200));
  // The device does not take this, and is opened again as it was.
  CHECK_THAT(lab.reload(with_third(",nonsense=128")), Catch::Contains("opened again"));
  CHECK(goes_by_its_queue(lab, "v100", 100));
  CHECK(goes_by_its_queue(lab, "v200", 200));
  CHECK(lab.at_left("v100").isolation_violations == 0);
  lab.stop();
}

TEST_CASE("a slice for whose tables there is no memory changes nothing", "[steering]") {
  SteeredLab lab("mlx5");
  lab.start(with_third(""));
  lab.decorate = [](const SliceConfig& slice, std::unique_ptr<ForwardingModel> model) {
    if (slice.name == "large") throw std::bad_alloc();
    return model;
  };
  const std::string large = wire_section("large", "left", "right", "300");
  CHECK(lab.reload(with_third("") + large) ==
        "not enough memory for the slices' tables; lower max_addresses, or leave slices out");
  CHECK(goes_by_its_queue(lab, "v100", 100));
  CHECK_THAT(lab.reload(with_third(",size=128") + large), Catch::Contains("opened again"));
  CHECK(goes_by_its_queue(lab, "v100", 100));
  CHECK(goes_by_its_queue(lab, "v200", 200));
  lab.stop();
}

TEST_CASE("what a rule brought before its change failed is nobody's stranger", "[steering]") {
  for (int round = 0; round < 10; ++round) {
    SteeredLab lab("mlx5");
    lab.start(wires({100, 200}, "hardware"));
    // The new slice has the old one's queue at the left port already when the right one refuses.
    uint32_t sent = 0;
    lab.right_nic().fault = [&, first = lab.right_nic().calls()](std::size_t call) -> std::optional<Error> {
      if (call != first) return std::nullopt;
      for (uint32_t i = 0; i < 8; ++i) sent += lab.send(tag(numbered(i), 300)) ? 1 : 0;
      return Error("table full");
    };
    CHECK_THAT(lab.reload(wires({200, 300}, "hardware")), Catch::Contains("table full"));
    CHECK(sent == 8);
    CHECK(eventually([&] { return lab.all_received(); }));
    CHECK(goes_by_its_queue(lab, "v100", 100));
    CHECK(lab.at_left("v100").isolation_violations == 0);
  }
}

TEST_CASE("flow_rules = \"hardware\" does not keep a rule that brings strangers", "[steering]") {
  SteeredLab lab("mlx5");
  lab.start(wires({100, 200}, "hardware"));
  lab.misled = [](QueueId) { return QueueId{1}; };
  REQUIRE(lab.send(tag(numbered(0), 200)));
  CHECK(eventually([&] { return lab.accounted_at_left() == 1; }));
  lab.appliance().audit();
  CHECK(lab.at_left("v100").rules_software == 1);
  CHECK(lab.at_left("v200").rules_hardware == 1);
  // The queue is everybody's now.
  REQUIRE(lab.send(tag(numbered(1), 200)));
  CHECK(eventually([&] { return lab.at_left("v200").received.packets == 1; }));
  CHECK(lab.at_left("v100").isolation_violations == 1);
  CHECK(lab.reload(wires({100, 200, 300}, "hardware")) == "done");
  CHECK(lab.at_left("v300").rules_hardware == 1);
  CHECK(lab.at_left("v100").rules_software == 1);
}

TEST_CASE("where each type of frame has its priority, rules take those of others that left", "[steering]") {
  const auto slice = [](const std::string& name, const std::string& station, const std::string& more) {
    return "[[slice]]\nname = \"" + name +
           "\"\nforward = \"wire\"\nflowspace = [{port = [\"left\", \"right\"], eth_dst = \"" + station +
           "\"" + more + "}]\n";
  };
  const std::string tagged = slice("tagged", "02:00:00:00:00:01", ", vlan = 100, ethertype = \"ipv4\"");
  const std::string any = slice("any", "02:00:00:00:00:02", "");
  NicProfile nic = family("tap");
  nic.equal_queues = false;  // rings are sent to by one
  for (const char* const flow_rules : {"auto", "hardware"}) {
    SteeredLab lab(nic);
    lab.start(SteeredLab::ports(flow_rules) + tagged + any);
    CHECK(lab.at_left("tagged").steering->why_not_hardware.empty());
    CHECK(lab.at_left("any").steering->why_not_hardware.empty());
    CHECK(lab.reload(SteeredLab::ports(flow_rules) + any) == "done");
    CHECK(lab.at_left("any").steering->why_not_hardware.empty());
  }
}

}  // namespace
}  // namespace bulkhead
