// SPDX-License-Identifier: Apache-2.0
#include "control/plan.hpp"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "control/kept.hpp"
#include "tests/control/config_text.hpp"

using namespace bulkhead;

namespace {

std::string port(const std::string& name, const std::string& device, const std::string& more = "") {
  return "[[port]]\nname = \"" + name + "\"\ndevice = \"" + device + "\"\n" +
         (more.empty() ? "speed = \"10Gbps\"\n" : more);
}

/// A slice whose first flowspace is at `ports`, in `vlan`.
std::string slice(const std::string& name, const std::string& ports, const std::string& vlan,
                  const std::string& more = "") {
  return "[[slice]]\nname = \"" + name + "\"\nflowspace = [{port = " + ports + ", vlan = " + vlan + "}]\n" +
         more;
}

const std::string kUplink = port("uplink", "net_null0");
const std::string kLab = port("lab", "net_null1");
const std::string kRed = slice("red", "[\"uplink\", \"lab\"]", "10");
const std::string kBlue = slice("blue", "\"uplink\"", "20");
const std::string kBase = kUplink + kLab + kRed + kBlue;

std::string said(const std::string& running, const std::string& next) {
  return plan_text(plan(accepted(running), accepted(next)), "next.toml");
}

struct Row {
  const char* description;
  std::string running;
  std::string next;
  std::string text;
};

void check(const std::vector<Row>& rows) {
  for (const Row& row : rows) {
    INFO(row.description);
    CHECK(said(row.running, row.next) == row.text);
  }
}

}  // namespace

TEST_CASE("what is the same in other words changes nothing") {
  const std::string nothing = "next.toml: nothing changes\n";
  check({
      {"the same", kBase, kBase, nothing},
      {"other lines", kBase, "# a comment\n\n" + kBase, nothing},
      {"slices in another order", kBase, kUplink + kLab + kBlue + kRed, nothing},
      {"a default that is written out", kBase,
       kUplink + kLab + kRed + kBlue + "bandwidth = {weight = 100, ceiling = \"10Gbps\"}\n", nothing},
      {"a default that is written out for one port", kBase,
       kBase + "[slice.bandwidth.uplink]\nguarantee = \"0bps\"\n", nothing},
      {"the CPU's default", kBase, kBase + "cpu = {weight = 256}\n", nothing},
  });
}

TEST_CASE("a port goes on with its device, whatever it is called") {
  check({
      {"another name", kBase,
       port("wan", "net_null0") + kLab + slice("red", "[\"wan\", \"lab\"]", "10") +
           slice("blue", "\"wan\"", "20"),
       "next.toml: 1 change; 1 port and 2 slices go on as they are\n"
       "port wan goes on: name uplink -> wan\n"},
      {"another speed, and with it the slices' ceilings and bursts", kUplink + kBlue,
       port("uplink", "net_null0", "speed = \"1Gbps\"\n") + kBlue,
       "next.toml: 2 changes; 0 ports and 0 slices go on as they are\n"
       "port uplink goes on: speed 10Gbps -> 1Gbps\n"
       "slice blue goes on: at uplink ceiling 10Gbps -> 1Gbps; at uplink burst 2500000B -> 250000B\n"},
      {"the device's speed", kUplink + kBlue + "bandwidth = {ceiling = \"1Gbps\"}\n",
       port("uplink", "net_null0", "flow_rules = \"software\"\n") + kBlue +
           "bandwidth = {ceiling = \"1Gbps\"}\n",
       "next.toml: 1 change; 0 ports and 1 slice go on as they are\n"
       "port uplink goes on: speed 10Gbps -> the device's; flow_rules auto -> software\n"},
  });
}

TEST_CASE("a port with another device is opened, and slices there begin anew") {
  check({
      {"a port more", kBase, kUplink + kLab + port("dmz", "net_null2") + kRed + kBlue,
       "next.toml: 1 change; 2 ports and 2 slices go on as they are\n"
       "port dmz opened: net_null2\n"},
      {"a port less", kUplink + kLab + kBlue, kUplink + kBlue,
       "next.toml: 1 change; 1 port and 1 slice go on as they are\n"
       "port lab closed\n"},
      {"another device", kBase, kUplink + port("lab", "net_null2") + kRed + kBlue,
       "next.toml: 3 changes; 1 port and 1 slice go on as they are\n"
       "port lab opened: net_null2\n"
       "slice red begins anew, its queues, addresses and counters too: its port lab is another device\n"
       "port lab closed\n"},
      {"a device with other arguments", kBase, kUplink + port("lab", "net_null1,size=128") + kRed + kBlue,
       "next.toml: 2 changes; 1 port and 1 slice go on as they are\n"
       "port lab closed and opened again: device net_null1 -> net_null1,size=128\n"
       "slice red begins anew, its queues, addresses and counters too: its port lab is opened again\n"
       "all slices pause while a device is closed and opened again; what is in it is lost\n"},
      {"ports in another order", kBase, kLab + kUplink + kRed + kBlue,
       "next.toml: 2 changes; 2 ports and 0 slices go on as they are\n"
       "slice red begins anew, its queues, addresses and counters too: its ports have other places in the "
       "file\n"
       "slice blue begins anew, its queues, addresses and counters too: its ports have other places in the "
       "file\n"},
  });
}

TEST_CASE("a slice comes, goes, gets other rates or begins anew") {
  const std::string anew = " begins anew, its queues, addresses and counters too: ";
  const std::string summary = "next.toml: 1 change; 2 ports and 1 slice go on as they are\n";
  const auto blue_with = [&](const std::string& more) { return kUplink + kLab + kRed + kBlue + more; };
  check({
      {"one more", kUplink + kLab + kRed, kBase, summary + "slice blue added: switch at uplink\n"},
      {"one less", kBase, kUplink + kLab + kRed, summary + "slice blue removed\n"},
      {"another name is another slice", kBase, kUplink + kLab + kRed + slice("green", "\"uplink\"", "20"),
       "next.toml: 2 changes; 2 ports and 1 slice go on as they are\n"
       "slice blue removed\nslice green added: switch at uplink\n"},
      {"rates", kBase, blue_with("bandwidth = {guarantee = \"1Gbps\", weight = 7}\n"),
       summary + "slice blue goes on: at uplink guarantee 0bps -> 1Gbps; at uplink weight 100 -> 7\n"},
      {"CPU", kBase, blue_with("cpu = {reserve = \"10%\", weight = 1, cap = \"12.5%\"}\n"),
       summary + "slice blue goes on: cpu reserve 0% -> 10%; cpu weight 256 -> 1; cpu cap none -> 12.5%\n"},
      {"VLAN", kBase, kUplink + kLab + kRed + slice("blue", "\"uplink\"", "21"),
       summary + "slice blue" + anew + "without uplink vlan 20; with uplink vlan 21\n"},
      {"a port more", kBase, kUplink + kLab + kRed + slice("blue", "[\"uplink\", \"lab\"]", "20"),
       summary + "slice blue" + anew + "with lab vlan 20\n"},
      {"memory", kBase, blue_with("memory = {packets = 2048}\n"),
       summary + "slice blue" + anew + "memory an equal part -> 2048 packets\n"},
      {"many things, and rates", kBase,
       blue_with(
           "precedence = 3\nvnet = \"0a1b2c3d:00000001\"\npriority = {max = 5}\n"
           "class = [{pcp = [0, 1, 2, 3, 4, 5, 6, 7]}]\nswitch = {max_addresses = 16, ageing = \"9s\"}\n"
           "cpu = {weight = 1}\n"),
       summary + "slice blue" + anew +
           "vnet none -> 0a1b2c3d:00000001; precedence 0 -> 3; other [slice.priority]; other classes; "
           "max_addresses 4096 -> 16; other ageing; cpu weight 256 -> 1\n"},
      {"forwarding", kBase, kUplink + kLab + kBlue + kRed + "forward = \"wire\"\n",
       summary + "slice red" + anew + "forward switch -> wire\n"},
  });
}

TEST_CASE("of many entries the first are listed") {
  std::string many = "[[slice]]\nname = \"blue\"\nflowspace = [{port = \"uplink\", vlan = 20}";
  for (int vlan = 100; vlan < 120; ++vlan)
    many += ", {port = \"uplink\", vlan = " + std::to_string(vlan) + "}";
  CHECK_THAT(said(kUplink + kBlue, kUplink + many + "]\n"),
             Catch::Contains("too: with uplink vlan 100;") && Catch::EndsWith("with 12 more\n"));
}

TEST_CASE("what must be given up before something can be opened is known beforehand") {
  const Config running = accepted(kUplink + kLab + kBlue);
  CHECK(ports_to_release(running, accepted(kLab + kUplink + kBlue)).empty());
  CHECK(ports_to_release(running, accepted(kUplink + port("lab", "net_null2") + kBlue)).empty());
  CHECK(ports_to_release(running, accepted(kUplink + port("x", "net_null1,size=128") + kBlue)) ==
        std::vector<std::size_t>{1});
}
