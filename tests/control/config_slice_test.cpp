// SPDX-License-Identifier: Apache-2.0
#include "tests/control/config_text.hpp"

namespace bulkhead {
namespace {

const Refusal kRefusals[] = {
    {"slice without anything", R"([[slice]])",
     "lab.toml:8:1: [[slice]] has no name; write name = \"lab-a\"\n"
     "lab.toml:8:1: the slice has no flowspace; add a [[slice.flowspace]] that says which packets are its "
     "own"},
    {"slice's name twice",
     R"([[slice]]
name = "lab"
flowspace = [{port = "uplink"}]
[[slice]]
name = "lab"
flowspace = [{port = "office"}])",
     "lab.toml:11:1: the slice's name is the same as at line 8; give each its own"},
    {"vnet malformed",
     R"([[slice]]
name = "lab"
vnet = "0a1b2c3d"
flowspace = [{port = "uplink"}])",
     "lab.toml:10:8: vnet \"0a1b2c3d\" is not an organisation and a link; write two 32-bit hexadecimal "
     "numbers, for example \"0a1b2c3d:00000001\""},
    {"vnet twice",
     R"([[slice]]
name = "a"
vnet = "1:2"
flowspace = [{port = "uplink"}]
[[slice]]
name = "b"
vnet = "01:02"
flowspace = [{port = "office"}])",
     "lab.toml:12:1: the slice's vnet is the same as at line 8; give each its own"},
    {"precedence out of range",
     R"([[slice]]
name = "lab"
precedence = 2147483648
flowspace = [{port = "uplink"}])",
     "lab.toml:10:14: precedence 2147483648 is out of range; write a whole number of -2147483648 to "
     "2147483647"},
    {"forwarding model unknown",
     R"([[slice]]
name = "lab"
forward = "router"
flowspace = [{port = "uplink"}])",
     "lab.toml:10:11: forward \"router\" is not known; write wire or switch"},
    {"wire with one port",
     R"([[slice]]
name = "lab"
forward = "wire"
flowspace = [{port = "uplink"}])",
     "lab.toml:8:1: slice \"lab\" is a wire with 1 port; name exactly two ports in its flowspaces, or write "
     "forward = \"switch\""},
    {"switch's table for a wire",
     R"([[slice]]
name = "lab"
forward = "wire"
flowspace = [{port = ["uplink", "office"]}]
[slice.switch])",
     "lab.toml:12:1: [slice.switch] is given for a slice that does not switch; leave it out, or write "
     "forward = \"switch\""},
};
const Refusal kInSlice[] = {
    {"default pcp above max",
     R"([slice.priority]
default = 6
max = 5)",
     "lab.toml:13:1: default 6 is above max, which is 5; write at most that, or raise max"},
    {"flag as a number",
     R"([slice.priority]
from_dscp = 1)",
     "lab.toml:13:13: from_dscp is a whole number; write true or false"},
    {"reserve above cap",
     R"([slice.cpu]
reserve = "90%"
cap = "80%")",
     "lab.toml:13:1: reserve 90% is above the cap of 80%; lower the reserve or raise the cap"},
    {"cap of zero",
     R"([slice.cpu]
cap = "0%")",
     "lab.toml:13:1: cap is zero, so that the slice could never run; leave it out for no cap"},
    {"percentage without sign",
     R"([slice.cpu]
reserve = "30")",
     "lab.toml:13:11: reserve \"30\" has no unit; write % behind the number, for example \"30%\""},
    {"percentage too fine",
     R"([slice.cpu]
reserve = "0.001%")",
     "lab.toml:13:11: reserve \"0.001%\" has too fine a fraction; round it"},
    {"memory of no packets",
     R"([slice.memory]
packets = 0)",
     "lab.toml:13:11: packets 0 is out of range; write a whole number of 1 to 1073741824"},
    {"table of no addresses",
     R"([slice.switch]
max_addresses = 0)",
     "lab.toml:13:17: max_addresses 0 is out of range; write a whole number of 1 to 1048576"},
    {"ageing without unit",
     R"([slice.switch]
ageing = "300")",
     "lab.toml:13:10: ageing \"300\" has no unit; write one of us, ms, s behind the number, for example "
     "\"300s\""},
    {"ageing of zero",
     R"([slice.switch]
ageing = "0s")",
     "lab.toml:13:1: ageing is too short; write at least \"1ms\""},
};

}  // namespace

TEST_CASE("faulty slices are refused") { check_refusals(kTwoPorts, kRefusals); }

TEST_CASE("faulty tables of a slice are refused") { check_refusals(kOneSlice, kInSlice); }

TEST_CASE("a wire joins exactly two ports, however many entries name them") {
  const std::string text = std::string(kTwoPorts) + R"(
[[slice]]
name = "lab"
forward = "wire"
[[slice.flowspace]]
port = "office"
vlan = 5
[[slice.flowspace]]
port = ["office", "uplink"]
vlan = 6
)";
  const Config config = accepted(text);
  CHECK(config.slices.at(0).forward == SliceConfig::Forward::wire);
  CHECK(config.slices.at(0).ports() == std::vector<PortId>{PortId{0}, PortId{1}});
}

TEST_CASE("a flowspace that could not be read does not make its wire faulty as well") {
  CHECK(faults_of(std::string(kTwoPorts) +
                  "[[slice]]\nname = \"lab\"\nforward = \"wire\"\nflowspace = [{port = 1}]\n") ==
        "lab.toml:11:22: port is a whole number; write a port's name or a list of names\n");
}

TEST_CASE("an empty list of flowspaces is none") {
  CHECK(faults_of(std::string(kTwoPorts) + "[[slice]]\nname = \"lab\"\nflowspace = []\n") ==
        "lab.toml:8:1: slice \"lab\" has no flowspace; add a [[slice.flowspace]] that says which packets are "
        "its "
        "own\n");
}

}  // namespace bulkhead
