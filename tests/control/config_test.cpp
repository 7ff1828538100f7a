// SPDX-License-Identifier: Apache-2.0
#include "control/config.hpp"

#include <unistd.h>

#include <cstdio>
#include <random>

#include "tests/control/config_text.hpp"

namespace bulkhead {
namespace {

const Refusal kRefusals[] = {
    {"unknown section", R"([aplliance])",
     "lab.toml:8:2: unknown key \"aplliance\" in the file; did you mean \"appliance\"?"},
    {"unknown key",
     R"([appliance]
wokers = 2)",
     "lab.toml:9:1: unknown key \"wokers\" in [appliance]; did you mean \"workers\"?"},
    {"section twice in brackets", R"([[appliance]])",
     "lab.toml:8:1: appliance is given with double brackets; write [appliance], once"},
    {"list of tables as a table",
     R"([slice]
name = "lab")",
     "lab.toml:8:1: slice is not a list of tables; write [[slice]] above each"},
    {"syntax error", R"([appliance)",
     "lab.toml:8:11: not TOML: Error while parsing table header: encountered end-of-file; nothing behind "
     "this place was read"},
    {"key twice",
     R"([appliance]
workers = 1
workers = 2)",
     "lab.toml:10:11: not TOML: Error while parsing key-value pair: cannot redefine existing integer "
     "'workers'; nothing behind this place was read"},
};

// The contract's example, complete.
constexpr std::string_view kExample = R"(
[appliance]
workers = 2
cores   = "1-2"
memory  = "512MiB"
idle    = "poll"
eal     = ["--no-pci"]

[stats]
listen     = "[::]:9180"
token_file = "/etc/bulkhead/token"

[[port]]
name       = "uplink"
device     = "0000:3b:00.0"
speed      = "10Gbps"
flow_rules = "hardware"

[[port]]
name   = "host"
device = "net_af_packet0,iface=veth1"

[[slice]]
name       = "lab-a"
vnet       = "0a1b2c3d:00000001"
precedence = -3
forward    = "switch"

[[slice.flowspace]]
port     = ["uplink", "host"]
vlan     = 100
pcp      = "0-5"
eth_src  = "02:00:00:00:00:00/ff:ff:00:00:00:00"
ethertype = "ipv4"
ip_src   = "10.1.0.0/16"
ip_proto = "udp"
dscp     = 46
l4_src   = "1024-65535"

[slice.bandwidth]
guarantee = "2Gbps"
ceiling   = "5Gbps"
weight    = 100
burst     = "64KiB"
[slice.bandwidth.uplink]
weight = 7

[slice.priority]
default   = 1
from_dscp = true
max       = 5

[[slice.class]]
pcp    = [5, 6, 7]
strict = true
queue  = "256KiB"
[[slice.class]]
pcp       = "0-4"
weight    = 3
guarantee = "100Mbps"
ceiling   = "1Gbps"
queue     = "500 packets"

[slice.cpu]
reserve = "30%"
weight  = 512
cap     = "80.5%"

[slice.memory]
packets = 8192

[slice.switch]
max_addresses = 100
ageing = "20s"
)";

}  // namespace

TEST_CASE("the contract's appliance, endpoint and ports are read") {
  const Config config = accepted(kExample);
  CHECK(config.file == "lab.toml");
  CHECK(config.appliance.workers == 2u);
  CHECK(config.appliance.cores == std::vector<uint32_t>{1, 2});
  CHECK(config.appliance.memory == 512_MiB);
  CHECK(config.appliance.idle == ApplianceConfig::Idle::poll);
  CHECK(config.appliance.eal == std::vector<std::string>{"--no-pci"});
  CHECK(config.stats.listen == "[::]:9180");
  CHECK(config.stats.token_file == "/etc/bulkhead/token");
  REQUIRE(config.ports.size() == 2);
  CHECK(config.ports[0].name == "uplink");
  CHECK(config.ports[0].device == "0000:3b:00.0");
  CHECK(config.ports[0].speed == 10_Gbps);
  CHECK(config.ports[0].flow_rules == PortConfig::FlowRules::hardware);
  CHECK(config.ports[1].device == "net_af_packet0,iface=veth1");
  CHECK_FALSE(config.ports[1].speed);
  CHECK(config.ports[1].flow_rules == PortConfig::FlowRules::automatic);
  CHECK(config.sections_present == std::vector<std::string>{"appliance", "port", "slice", "slice.bandwidth",
                                                            "slice.class", "slice.cpu", "slice.flowspace",
                                                            "slice.memory", "slice.priority", "slice.switch",
                                                            "stats"});
}

TEST_CASE("the contract's slice is read") {
  const Config config = accepted(kExample);
  REQUIRE(config.slices.size() == 1);
  const SliceConfig& slice = config.slices[0];
  CHECK(slice.name == "lab-a");
  CHECK(slice.at.line == 23);
  CHECK(slice.vnet == SliceConfig::Vnet{0x0a1b2c3d, 1});
  CHECK(slice.precedence == -3);
  CHECK(slice.forward == SliceConfig::Forward::learning_switch);
  CHECK(slice.ports() == std::vector<PortId>{PortId{0}, PortId{1}});
  REQUIRE(slice.flowspaces.size() == 1);
  CHECK(slice.flowspaces[0].at.line == 29);
  CHECK(slice.bandwidth.guarantee == 2_Gbps);
  CHECK(slice.bandwidth.ceiling == 5_Gbps);
  CHECK(slice.bandwidth.weight == 100u);
  CHECK(slice.bandwidth.burst == 64_KiB);
  REQUIRE(slice.bandwidth_at_port.size() == 1);
  CHECK(slice.bandwidth_at_port[0].first == PortId{0});
  CHECK(slice.bandwidth_at_port[0].second.weight == 7u);
  CHECK_FALSE(slice.bandwidth_at_port[0].second.guarantee);
  CHECK(slice.priority.default_pcp == 1);
  CHECK(slice.priority.from_dscp);
  CHECK(slice.priority.max == 5);
  CHECK(slice.cpu.reserve == 3000);
  CHECK(slice.cpu.weight == 512);
  CHECK(slice.cpu.cap == 8050u);
  CHECK(slice.memory_packets == 8192u);
  CHECK(slice.max_addresses == 100);
  CHECK(slice.ageing == std::chrono::seconds{20});
}

TEST_CASE("what is left out has the contract's default") {
  const Config config = accepted(kOneSlice);
  CHECK_FALSE(config.appliance.workers);
  CHECK_FALSE(config.appliance.cores);
  CHECK(config.appliance.memory == 512_MiB);
  CHECK(config.appliance.idle == ApplianceConfig::Idle::nap);
  CHECK(config.stats.listen == "127.0.0.1:9180");
  CHECK_FALSE(config.stats.token_file);
  const SliceConfig& slice = config.slices.at(0);
  CHECK_FALSE(slice.vnet);
  CHECK(slice.precedence == 0);
  CHECK(slice.forward == SliceConfig::Forward::learning_switch);
  CHECK_FALSE(slice.bandwidth.guarantee);
  CHECK(slice.priority.max == 7);
  CHECK(slice.classes.empty());
  CHECK(slice.cpu.weight == 256);
  CHECK_FALSE(slice.cpu.cap);
  CHECK_FALSE(slice.memory_packets);
  CHECK(slice.max_addresses == 4096);
  CHECK(slice.ageing == std::chrono::seconds{300});
  CHECK(config.sections_present == std::vector<std::string>{"port", "slice", "slice.flowspace"});
}

TEST_CASE("a file that is wrong as a whole is refused") { check_refusals(kTwoPorts, kRefusals); }

TEST_CASE("a value in place of a section is refused") {
  CHECK(faults_of("stats = 5\n" + std::string(kTwoPorts)) ==
        "lab.toml:1:1: stats is not a table; write [stats], once\n");
}

TEST_CASE("a file without ports is refused, an appliance without slices is not") {
  constexpr const char* kNoPorts =
      "lab.toml: no [[port]] is given; add one for each network interface the appliance takes over\n";
  CHECK(faults_of("") == kNoPorts);
  CHECK(faults_of("port = []") == kNoPorts);
  CHECK(accepted(kTwoPorts).slices.empty());
}

TEST_CASE("all faults of a file are listed in its order") {
  CHECK(faults_of(R"([appliance]
idel = "nap"
memory = 5
[[port]]
name = "uplink"
device = "net_null0"
[[slice]]
name = "a b"
[slice.cpu]
cap = "0%"
[[slice.flowspace]]
port = "uplnk"
)") == R"(lab.toml:2:1: unknown key "idel" in [appliance]; did you mean "idle"?
lab.toml:3:10: memory is a number without unit or quotes; write a string: memory = "512MiB"
lab.toml:8:8: name "a b" is not a name; write 1 to 32 of a-z, 0-9, _ and -
lab.toml:10:1: cap is zero, so that the slice could never run; leave it out for no cap
lab.toml:12:8: no [[port]] is named "uplnk"; did you mean "uplink"?
)");
}

TEST_CASE("more ports or slices than there are numbers for are refused") {
  std::string ports, slices(kTwoPorts);
  for (int i = 0; i <= kMaxPorts; ++i)
    ports +=
        "[[port]]\nname = \"p" + std::to_string(i) + "\"\ndevice = \"net_null" + std::to_string(i) + "\"\n";
  CHECK(faults_of(ports) == "lab.toml:193:1: 65 ports are too many; give at most 64\n");
  for (int i = 0; i <= kMaxSlices; ++i)
    slices += "[[slice]]\nname = \"s" + std::to_string(i) + "\"\nflowspace = [{port = \"uplink\"}]\n";
  CHECK(faults_of(slices) == "lab.toml:24584:1: 8193 slices are too many; give at most 8192\n");
}

TEST_CASE("a file is read as its text is, and one that cannot be read is named") {
  char path[] = "/tmp/bulkhead-config-XXXXXX";
  const int file = mkstemp(path);
  REQUIRE(file >= 0);
  CHECK(write(file, kExample.data(), kExample.size()) == static_cast<ssize_t>(kExample.size()));
  close(file);
  const auto config = load_config(path);
  std::remove(path);
  REQUIRE(config);
  CHECK(config->file == path);
  CHECK(config->slices.at(0).name == "lab-a");
  CHECK(
      load_config("/nonexistent/lab.toml").error().to_string() ==
      "/nonexistent/lab.toml: cannot be read: No such file or directory; name a TOML file that this user may "
      "read\n");
  CHECK(load_config("/").error().to_string() ==
        "/: cannot be read: Is a directory; name a TOML file that this user may read\n");
}

TEST_CASE("texts that met faults of the TOML library are refused like any other") {
  for (const std::string text :
       {"[#port]]\n", "a = 5\u042d\n", "\u042d = 5\n", "a = \u2003\n", "a = [\u00e9]\n"}) {
    INFO(text);
    CHECK(faults_of(text).find(": not TOML: ") != std::string::npos);
  }
  CHECK(accepted("# \u042d\n" + std::string(kTwoPorts)).ports.size() == 2);
}

TEST_CASE("any text is answered") {
  // The example with bytes changed, moved and cut out: near enough to TOML to reach the readers.
  std::mt19937 random(2);
  constexpr std::string_view kBytes = "[]{}=\"'.,-#\n\\ 059aexz_%\x01\xff";
  int refused = 0;
  for (int round = 0; round < 3000; ++round) {
    std::string text(kExample);
    for (int change = 0; change < 1 + round % 4; ++change) {
      const std::size_t at = random() % text.size();
      if (random() % 3 == 0)
        text.erase(at, random() % 20);
      else
        text[at] = kBytes[random() % kBytes.size()];
    }
    const auto config = parse_config(text, "lab.toml");
    if (config) continue;
    ++refused;
    REQUIRE_FALSE(config.error().faults.empty());
  }
  CHECK(refused > 1000);
}

}  // namespace bulkhead
