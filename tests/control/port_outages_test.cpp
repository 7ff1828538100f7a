// SPDX-License-Identifier: Apache-2.0
// Devices that want a reset, or are removed, under an appliance at work.
#include "control/port_outages.hpp"

#include <catch2/catch.hpp>
#include <functional>

#include "tests/control/steered_lab.hpp"
#include "tests/support/device_events.hpp"

namespace bulkhead {
namespace {

using namespace test;

const std::string kLeftDevice = "net_ring_left";
const std::string kRightDevice = "net_ring_right";

/// Frames of the VLAN pass from left to right, however many of these come as the left device takes at once.
void pass(SteeredLab& lab, uint16_t vlan, uint32_t count) {
  uint64_t seen = 0;
  const auto take = [&] { seen += lab.received().size(); };
  for (uint32_t i = 0; i < count; ++i)
    CHECK(eventually([&] {
      take();
      return lab.send(tag(numbered(i), vlan));
    }));
  CHECK(eventually([&] {
    take();
    return seen == count;
  }));
}

Snapshot::Port port_now(SteeredLab& lab, std::size_t port) {
  return lab.appliance().snapshot().ports.at(port);
}

TEST_CASE("a port whose device wants a reset is set up again, and its rules before it receives",
          "[port_outages]") {
  SteeredLab lab("mlx5");
  RingDevice third("third");
  RingDevice fourth("fourth");
  PacketPool pool = *PacketPool::create("others", 511, 2048);
  lab.start(wires({100, 200}) + port_section("third", third.device()) + "flow_rules = \"software\"\n" +
            port_section("fourth", fourth.device()) + "flow_rules = \"software\"\n" +
            wire_section("other", "third", "fourth", "\"any\""));
  pass(lab, 100, 300);
  ask_for_reset(kLeftDevice);
  lab.left_nic().lose_rules();

  // While rules are put back, nobody looks for packets there, and all goes on elsewhere.
  std::size_t put_back = 0;
  lab.left_nic().fault = [&](std::size_t) -> std::optional<Error> {
    ++put_back;
    CHECK(lab.send(tag(numbered(0), 100)));
    for (uint32_t i = 0; i < 3; ++i) {
      third.inject(pool, numbered(i));
      CHECK(eventually([&] { return fourth.discard() == 1; }));
    }
    CHECK_FALSE(lab.all_received());
    CHECK(port_now(lab, 0).out_of_service == "reset");
    return std::nullopt;
  };
  lab.appliance().audit();
  lab.left_nic().fault = nullptr;
  CHECK(put_back == 2);
  CHECK(lab.left_nic().rules().size() == 2);
  std::size_t waited = 0;
  CHECK(eventually([&] { return (waited += lab.received().size()) == 2; }));
  pass(lab, 200, 40);
  const Snapshot seen = lab.appliance().snapshot();
  CHECK(seen.ready);
  CHECK(seen.ports[0].out_of_service.empty());
  CHECK(seen.ports[0].resets == 1);
  CHECK(seen.ports[0].removals == 0);
  CHECK(seen.ports[1].resets == 0);
  // Counters go on.
  CHECK(seen.ports[0].received.packets == 342);
  CHECK(lab.slice("v100").ports[0].received.packets == 302);
  CHECK(lab.slice("v200").ports[0].received_by_own_queue == 40);
  CHECK(sum_of(lab.slice("v100").dropped) + sum_of(lab.slice("other").dropped) == 0);
  CHECK(transmitted_by(lab.slice("other")) == 6);
  lab.stop();
}

TEST_CASE("what slices send to a port whose device was removed is dropped, until that is back",
          "[port_outages]") {
  SteeredLab lab("mlx5");
  lab.start(wires({100, 200}));
  pass(lab, 100, 20);
  say_removed(kRightDevice);
  lab.right_nic().lose_rules();
  lab.appliance().audit();
  const Snapshot gone = lab.appliance().snapshot();
  CHECK_FALSE(gone.ready);
  CHECK(gone.not_ready_because == "port right is out of service: removed");
  CHECK(gone.ports[1].out_of_service == "removed");
  CHECK(gone.ports[1].removals == 1);
  CHECK(gone.ports[1].driver == "net_ring");
  CHECK_FALSE(gone.ports[1].link_up);
  CHECK(gone.ports[1].transmitted.packets == 20);

  for (uint32_t i = 0; i < 50; ++i) REQUIRE(lab.send(tag(numbered(i), 100)));
  CHECK(eventually([&] { return count_of(lab.slice("v100").dropped, "transmit_failed") == 50; }));
  CHECK(is_balanced(lab.slice("v100")));
  CHECK(lab.slice("v100").ports[0].received.packets == 70);
  CHECK(lab.received().empty());

  // Meanwhile slices may come; only the device may not be asked for otherwise.
  CHECK(lab.reload(wires({100, 200, 300})) == "done");
  CHECK(lab.right_nic().rules().empty());
  std::string otherwise = wires({100});
  otherwise.replace(otherwise.find(kRightDevice), kRightDevice.size(), kRightDevice + ",nodeaction=none");
  CHECK_THAT(lab.reload(otherwise),
             Catch::StartsWith("port right (device net_ring_right): is out of service"));

  lab.appliance().audit();
  CHECK(lab.right_nic().rules().size() == 3);
  CHECK(port_now(lab, 1).out_of_service.empty());
  CHECK(lab.appliance().snapshot().ready);
  pass(lab, 100, 30);
  pass(lab, 300, 30);
  CHECK(transmitted_by(lab.slice("v100")) == 50);
  CHECK(port_now(lab, 1).transmitted.packets == 80);
  CHECK(port_now(lab, 1).removals == 1);
}

TEST_CASE("a port may be left out of the configuration while its device is gone", "[port_outages]") {
  SteeredLab lab("mlx5");
  lab.start(wires({100}));
  say_removed(kRightDevice);
  lab.right_nic().lose_rules();
  lab.appliance().audit();
  RingDevice instead("instead");
  std::string text = wires({100});
  text.replace(text.find(kRightDevice), kRightDevice.size(), instead.device());
  CHECK(lab.reload(text) == "done");
  lab.appliance().audit();
  CHECK(lab.appliance().snapshot().ready);
  REQUIRE(lab.send(tag(numbered(1), 100)));
  CHECK(eventually([&] { return instead.discard() == 1; }));
  lab.stop();
}

TEST_CASE("where rules cannot be put back and must be, the port stays out, and it is tried ever more seldom",
          "[port_outages]") {
  SteeredLab lab("mlx5");
  lab.start(wires({100}, "hardware"));
  lab.left_nic().lose_rules();
  ask_for_reset(kLeftDevice);
  std::vector<std::size_t> attempts;
  std::size_t audit = 0;
  lab.left_nic().fault = [&](std::size_t) {
    attempts.push_back(audit);
    return std::optional(Error("not yet"));
  };
  for (audit = 1; audit <= 30; ++audit) lab.appliance().audit();
  CHECK(attempts == std::vector<std::size_t>{1, 2, 4, 7, 12, 21, 30});
  CHECK(port_now(lab, 0).out_of_service == "reset");
  CHECK(port_now(lab, 0).resets == 1);
  lab.left_nic().fault = nullptr;
  for (audit = 0; audit < 9; ++audit) lab.appliance().audit();
  CHECK(lab.left_nic().rules().size() == 1);
  pass(lab, 100, 10);
}

TEST_CASE("a rule that is refused after a reset leaves its slice to software", "[port_outages]") {
  SteeredLab lab("mlx5");
  lab.start(wires({100, 200}));
  lab.left_nic().lose_rules();
  ask_for_reset(kLeftDevice);
  std::size_t calls = 0;
  lab.left_nic().fault = [&](std::size_t) {
    return calls++ == 0 ? std::optional(Error("no room any more")) : std::nullopt;
  };
  lab.appliance().audit();
  CHECK(lab.at_left("v100").steering->why_not_hardware == "no room any more");
  CHECK(lab.at_left("v200").steering->where == "hardware");
  pass(lab, 100, 10);
  pass(lab, 200, 10);
  CHECK(lab.at_left("v100").received_by_own_queue == 0);
  CHECK(lab.at_left("v200").received_by_own_queue == 10);
}

}  // namespace
}  // namespace bulkhead
