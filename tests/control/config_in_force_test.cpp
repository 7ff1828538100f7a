// SPDX-License-Identifier: Apache-2.0
// One appliance, taken through its configurations: DPDK starts once in a process, so each case goes on where
// the one before it left off.
#include "control/config_in_force.hpp"

#include <catch2/catch.hpp>
#include <map>
#include <memory>

#include "control/plan.hpp"
#include "tests/control/lab.hpp"
#include "tests/support/eal.hpp"
#include "tests/support/frames.hpp"
#include "tests/support/ring_device.hpp"

namespace bulkhead {
namespace {

using namespace test;

/// What the cases hand on to each other.
struct Lab {
  std::unique_ptr<Appliance> appliance;
  std::unique_ptr<ConfigInForce> config;
  std::unique_ptr<PacketPool> pool;
  std::unique_ptr<RingDevice> left;
  std::unique_ptr<RingDevice> right;  // devices and pool end before the appliance, whose DPDK they use
};

Lab& lab() {
  static Lab the_lab;
  return the_lab;
}

const std::string kLeft = port_section("left", "net_ring_left");
const std::string kRight = port_section("right", "net_ring_right");
const std::string kRed = wire_section("red", "left", "right", "100");
const std::string kBlue = wire_section("blue", "left", "right", "200");
const std::string kFirst = appliance_section() + port_section("null", "net_null0,no-rx=1") +
                           "[[slice]]\nname = \"red\"\nflowspace = [{port = \"null\"}]\n";

std::map<std::string, uint64_t> received_by_slice() {
  std::map<std::string, uint64_t> received;
  for (const Snapshot::Slice& slice : lab().appliance->snapshot().slices)
    received[slice.name] = received_by(slice);
  return received;
}

/// Every slice that there is receives a frame more.
void feed_all() {
  auto wanted = received_by_slice();
  for (auto& [name, count] : wanted) ++count;
  for (const uint16_t vlan : {uint16_t{100}, uint16_t{200}})
    lab().left->inject(*lab().pool, tag(numbered(1), vlan));
  CHECK(eventually([&] { return received_by_slice() == wanted; }));
  lab().right->discard();
}

/// Slices whose counters ought to begin anew, or not be there before.
bool begins_at_zero(const Plan& plan, const std::string& name) {
  for (const PlanStep& step : plan.steps)
    if (step.object == PlanStep::Object::slice && step.name == name)
      return step.action == PlanStep::Action::add || step.action == PlanStep::Action::restart;
  return false;
}

}  // namespace

TEST_CASE("1. the text that the appliance was started with is in force", "[config_in_force]") {
  lab().appliance = start_appliance(kFirst);
  lab().config = std::make_unique<ConfigInForce>(*lab().appliance, kFirst);
  CHECK(lab().config->text() == kFirst);
  const Answer same = lab().config->plan(kFirst, "same.toml");
  CHECK(same.status == kExitOk);
  CHECK(same.text == "same.toml: nothing changes\n");
}

TEST_CASE("2. a plan says what a change would do, and does nothing", "[config_in_force]") {
  lab().pool = std::make_unique<PacketPool>(std::move(*PacketPool::create("frames", 4095, 2048)));
  lab().left = std::make_unique<RingDevice>("left");
  lab().right = std::make_unique<RingDevice>("right");
  const std::string rings = appliance_section() + kLeft + kRight + kRed + kBlue;
  const Answer plan = lab().config->plan(rings, "rings.toml");
  CHECK(plan.status == kExitChanges);
  CHECK_THAT(plan.text, Catch::StartsWith("rings.toml: 5 changes;"));
  CHECK(lab().appliance->generation() == 1);
  const Answer applied = lab().config->apply(rings, "rings.toml");
  CHECK(applied.status == kExitOk);
  CHECK(applied.text == "rings.toml: in force, generation 2\n");
  CHECK(lab().config->text() == rings);
  feed_all();
}

TEST_CASE("3. what the plan says goes on goes on, and what begins anew does", "[config_in_force]") {
  struct Row {
    const char* description;
    std::string text;
  };
  const std::string ports = appliance_section() + kLeft + kRight;
  const std::vector<Row> rows = {
      {"the same", ports + kRed + kBlue},
      {"slices in another order", ports + kBlue + kRed},
      {"other rates and CPU",
       ports + kRed + "bandwidth = {guarantee = \"1Gbps\"}\ncpu = {weight = 9}\n" + kBlue},
      {"other memory", ports + kRed + kBlue + "memory = {packets = 4096}\n"},
      {"another speed", appliance_section() + kLeft +
                            "[[port]]\nname = \"right\"\ndevice = \"net_ring_right\"\nspeed = \"1Gbps\"\n" +
                            kRed + kBlue},
      {"another name of a port", appliance_section() + kLeft + port_section("east", "net_ring_right") +
                                     wire_section("red", "left", "east", "100") +
                                     wire_section("blue", "left", "east", "200")},
      {"one slice less", ports + kBlue},
      {"and one more", ports + kBlue + kRed},
      {"a port more at the end", ports + port_section("third", "net_null1,no-rx=1") + kRed + kBlue},
      {"a port more at the beginning",
       appliance_section() + port_section("third", "net_null1,no-rx=1") + kLeft + kRight + kRed + kBlue},
      {"a device with other arguments", appliance_section() + kLeft +
                                            port_section("right", "net_ring_right,x=1") +
                                            port_section("third", "net_null1,no-rx=1") + kRed + kBlue},
      {"another precedence, and back", ports + kRed + kBlue + "precedence = 1\n"},
      {"", ports + kRed + kBlue},
  };
  for (const Row& row : rows) {
    INFO(row.description);
    feed_all();
    const auto before = received_by_slice();
    const Plan steps = plan(lab().appliance->config(), accepted(row.text));
    REQUIRE(lab().config->apply(row.text, "lab.toml").status == kExitOk);
    for (const auto& [name, received] : received_by_slice()) {
      INFO(name);
      CHECK(received == (begins_at_zero(steps, name) ? 0 : before.at(name)));
    }
  }
}

TEST_CASE("4. what is refused is refused to the plan, too, and changes nothing", "[config_in_force]") {
  const std::string before = lab().config->text();
  const uint64_t generation = lab().appliance->generation();
  struct Row {
    std::string text;
    std::string said;
  };
  const std::vector<Row> rows = {
      {before + "[[slice]]\nname = \"x\"\n", "slice"},
      {before + wire_section("x", "left", "right", "100"), "overlaps"},
      {"[appliance]\nmemory = \"128MiB\"\n" + before.substr(before.find("[[port]]")), "cannot change while"},
      {before + "memory = {packets = 8}\n", "8 packets of memory"},
  };
  for (const auto& [text, said] : rows) {
    INFO(said);
    for (const Answer& answer :
         {lab().config->plan(text, "new.toml"), lab().config->apply(text, "new.toml")}) {
      CHECK(answer.status == kExitRefused);
      CHECK_THAT(answer.text,
                 Catch::StartsWith("new.toml:") && Catch::Contains(said) && Catch::EndsWith("\n"));
    }
  }
  CHECK(lab().config->apply_file("/nonexistent/lab.toml").status == kExitRefused);
  CHECK(lab().config->text() == before);
  CHECK(lab().appliance->generation() == generation);
  CHECK_FALSE(lab().config->broken());
  feed_all();
}

TEST_CASE("5. a device that fails is no refusal, and only its opening shows that it does",
          "[config_in_force]") {
  const std::string before = lab().config->text();
  const std::string text = before + port_section("third", "net_nonsense0");
  CHECK(lab().config->plan(text, "new.toml").status == kExitChanges);
  const Answer answer = lab().config->apply(text, "new.toml");
  CHECK(answer.status == kExitFailed);
  CHECK_THAT(answer.text,
             Catch::StartsWith("port third (device net_nonsense0): no DPDK driver has this name") &&
                 Catch::EndsWith("new.toml: not applied; the old configuration is in force\n"));
  CHECK(lab().config->text() == before);
  feed_all();
}

TEST_CASE("6. after all these changes no packet is lost", "[config_in_force]") {
  lab().left.reset();
  lab().right.reset();
  CHECK(lab().pool->in_use() == 0);
  lab().pool.reset();
  lab().config.reset();
  lab().appliance.reset();
}

}  // namespace bulkhead
