// SPDX-License-Identifier: Apache-2.0
#include "control/report.hpp"

#include <unistd.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/control/config_text.hpp"

namespace bulkhead {
namespace {

const std::string kLab = std::string(kTwoPorts) + R"([appliance]
workers = 2
cores = "1-2"
[[slice]]
name = "lab"
vnet = "a:1"
precedence = 5
[[slice.flowspace]]
port = ["uplink", "office"]
vlan = 100
[[slice.flowspace]]
port = "uplink"
vlan = 101
ip_proto = "udp"
[slice.bandwidth]
guarantee = "2Gbps"
[slice.bandwidth.uplink]
ceiling = "4Gbps"
weight = 7
burst = "64KiB"
[[slice.class]]
pcp = [5, 6, 7]
strict = true
queue = "500 packets"
[[slice.class]]
pcp = "0-4"
weight = 3
guarantee = "100Mbps"
ceiling = "1Gbps"
queue = "256KiB"
[slice.cpu]
reserve = "30%"
cap = "80%"
[slice.memory]
packets = 8192
[[slice]]
name = "pipe"
forward = "wire"
[[slice.flowspace]]
port = ["uplink", "office"]
vlan = 200
)";

/// The text for a machine with one core.
std::string with_core_0(std::string text) {
  for (const auto& [old, now] :
       {std::pair("workers = 2", "workers = 1"), {"cores = \"1-2\"", "cores = \"0\""}})
    text.replace(text.find(old), std::string_view(old).size(), now);
  return text;
}

/// A file with this text, removed at the end.
class TemporaryFile {
 public:
  explicit TemporaryFile(const std::string& text) {
    const int file = mkstemp(path_);
    REQUIRE(file >= 0);
    close(file);
    std::ofstream(path_) << text;
  }
  ~TemporaryFile() { unlink(path_); }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  [[nodiscard]] std::string path() const { return path_; }

 private:
  char path_[32] = "/tmp/bulkhead-report-XXXXXX";
};

}  // namespace

TEST_CASE("people are shown what each slice gets") {
  CHECK(report_text(accepted(kLab), {}) ==
        R"(lab.toml: 2 ports, 2 slices, 5 rules: slices are isolated, guarantees fit

appliance: 2 workers, cores 1,2, memory 512MiB (211833 packets), idle nap

port    device     speed         flow rules
uplink  net_null0  10Gbps        auto
office  net_null1  the device's  auto

lookup: a frame is compared with at most 1 entry

slice lab: switch, precedence 5, 3 rules, vnet 0000000a:00000001
  flowspace, line 15  uplink,office  vlan 100
  flowspace, line 18  uplink         vlan 101, ip_proto udp
  port    guarantee  ceiling           weight  burst
  uplink  2Gbps      4Gbps             7       64KiB
  office  2Gbps      the port's speed  100     2 ms at the port's speed
  class          served          guarantee  ceiling      queue
  pcp 5,6,7      strictly first  0bps       the slice's  500 packets
  pcp 0,1,2,3,4  weight 3        100Mbps    1Gbps        256KiB
  priority: pcp 0 for untagged frames, at most pcp 7
  cpu: reserve 30%, weight 256, cap 80%
  memory: 8192 packets

slice pipe: wire, precedence 0, 2 rules
  flowspace, line 46  uplink,office  vlan 200
  port    guarantee  ceiling           weight  burst
  uplink  0bps       10Gbps            100     2500000B
  office  0bps       the port's speed  100     2 ms at the port's speed
  classes: one for each pcp, served strictly in the order 7 6 5 4 3 2 0 1
  priority: pcp 0 for untagged frames, at most pcp 7
  cpu: reserve 0%, weight 256, no cap
  memory: 197753 packets
)");
}

TEST_CASE("a long flowspace is cut short for people, not for programs") {
  std::string text = kOneSlice;
  for (int i = 0; i < 20; ++i)
    text += "[[slice.flowspace]]\nport = \"uplink\"\nvlan = " + std::to_string(i) + "\n";
  const Config config = accepted(text);
  CHECK(report_text(config, {}).find("\n  and 5 more\n") != std::string::npos);
  CHECK(nlohmann::json::parse(report_json(config, {}))["slices"][0]["flowspaces"].size() == 21);
}

TEST_CASE("programs are told the same, with units in the names") {
  const auto json = nlohmann::json::parse(report_json(accepted(kLab), {}));
  CHECK(json["file"] == "lab.toml");
  CHECK(json["appliance"]["workers"] == 2);
  CHECK(json["appliance"]["cores"] == std::vector<int>{1, 2});
  CHECK(json["appliance"]["memory_bytes"] == 512u << 20);
  CHECK(json["ports"][0]["speed_bits_per_second"] == 10'000'000'000);
  CHECK(json["ports"][1]["speed_bits_per_second"].is_null());
  CHECK(json["lookup_entries_compared_max"] == 1);
  const auto& lab = json["slices"][0];
  CHECK(lab["name"] == "lab");
  CHECK(lab["forward"] == "switch");
  CHECK(lab["precedence"] == 5);
  CHECK(lab["vnet"] == "0000000a:00000001");
  CHECK(lab["rules"] == 3);
  CHECK(lab["flowspaces"][1]["match"] == "vlan 101, ip_proto udp");
  CHECK(lab["flowspaces"][0]["ports"] == std::vector<std::string>{"uplink", "office"});
  CHECK(lab["ports"][0]["guarantee_bits_per_second"] == 2'000'000'000);
  CHECK(lab["ports"][0]["ceiling_bits_per_second"] == 4'000'000'000);
  CHECK(lab["ports"][0]["burst_bytes"] == 65'536);
  CHECK(lab["ports"][1]["ceiling_bits_per_second"].is_null());
  CHECK(lab["ports"][1]["weight"] == 100);
  CHECK(lab["classes"][0]["strict"] == true);
  CHECK(lab["classes"][0]["queue_packets"] == 500);
  CHECK(lab["classes"][1]["queue_bytes"] == 262'144);
  CHECK(lab["classes"][1]["weight"] == 3);
  CHECK(lab["cpu_reserve_percent"] == 30.0);
  CHECK(lab["cpu_cap_percent"] == 80.0);
  CHECK(lab["memory_packets"] == 8192);
  CHECK(lab["ageing_seconds"] == 300.0);
  const auto& pipe = json["slices"][1];
  CHECK(pipe["forward"] == "wire");
  CHECK(pipe["classes"].size() == 8);
  CHECK(pipe["cpu_cap_percent"].is_null());
  CHECK(pipe["memory_packets"] == 197'753);  // what the other leaves
  CHECK_FALSE(pipe.contains("ageing_seconds"));
}

TEST_CASE("a file's name may hold any bytes") {
  auto config = parse_config(kOneSlice, "\xff.toml");
  REQUIRE(config);
  CHECK(nlohmann::json::parse(report_json(*config, {}))["file"] == "\uFFFD.toml");
}

TEST_CASE("what cannot be read hides nothing of what is wrong with the rest") {
  const auto faults = [](const std::string& text) {
    const TemporaryFile file(text);
    const auto read = load_proved_config(file.path(), {.port_speeds = {}, .workers = 1});
    std::string said = read ? "" : read.error().to_string();
    for (std::size_t at = 0; (at = said.find(file.path())) != std::string::npos;)
      said.replace(at, file.path().size(), "f");
    return said;
  };
  const std::string a_and_b =
      "[[slice]]\nname = \"a\"\nflowspace = [{port = \"uplink\", vlan = 1}]\n"
      "bandwidth = {guarantee = \"11Gbps\"}\n"
      "[[slice]]\nname = \"b\"\nflowspace = [{port = \"uplink\", vlan = 1}]\n";
  const std::string broken =
      "[[slice]]\nname = \"c\"\nflowspace = [{port = \"uplink\", vlan = \"one\"}]\n"
      "cpu = {reserve = \"200%\"}\n";
  const std::string all = faults(std::string(kTwoPorts) + a_and_b + broken);
  INFO(all);
  CHECK(all.find("f:11:13: the guarantees at port \"uplink\" sum to 11Gbps") == 0);
  CHECK(all.find("\nf:14: slice \"b\" overlaps slice \"a\" (f:10)") != std::string::npos);
  CHECK(all.find("\nf:17:") != std::string::npos);
  CHECK(std::count(all.begin(), all.end(), '\n') ==
        4);  // of c only what cannot be read; an overlap takes two lines
  // A memory or a number of workers that cannot be read is not judged by its default.
  const std::string appliance = faults("[appliance]\nworkers = 0\n" + std::string(kTwoPorts) +
                                       "[[slice]]\nname = \"a\"\nflowspace = [{port = \"uplink\"}]\n"
                                       "cpu = {reserve = \"200%\"}\nmemory = {packets = 1000000}\n");
  CHECK(appliance == "f:2:11: workers 0 is out of range; write a whole number of 1 to 256\n");
}

TEST_CASE("check answers with the report and 0, or with the faults and 1") {
  const std::string here = with_core_0(kLab);
  const TemporaryFile good(here);
  std::ostringstream out, err;
  CHECK(check_command(good.path(), false, out, err) == 0);
  CHECK(out.str().starts_with(good.path() + ": 2 ports, 2 slices, 5 rules"));
  CHECK(err.str().empty());

  out.str("");
  CHECK(check_command(good.path(), true, out, err) == 0);
  CHECK(nlohmann::json::parse(out.str())["slices"].size() == 2);

  out.str("");
  const TemporaryFile overlapping(
      here + "[[slice]]\nname = \"c\"\nprecedence = 5\nflowspace = [{port = \"office\"}]\n");
  CHECK(check_command(overlapping.path(), false, out, err) == 1);
  CHECK(out.str().empty());
  CHECK(err.str() == overlapping.path() + ":52: slice \"c\" overlaps slice \"lab\" (" + overlapping.path() +
                         ":15) at equal precedence:\n  both claim: port office, vlan 100, ipv4 192.0.2.1 > "
                         "192.0.2.2, udp 1024 > 53\n");

  // Another machine may have the cores; the policy is proved all the same.
  err.str("");
  const TemporaryFile large("[appliance]\nworkers = 200\n" + kOneSlice);
  CHECK(check_command(large.path(), false, out, err) == 0);
  CHECK(err.str().starts_with(large.path() + ": [appliance] workers: 200 workers need as many cores"));
  CHECK(err.str().ends_with(" (`bulkhead run` would refuse this file here)\n"));

  out.str("");
  err.str("");
  CHECK(check_command("/nonexistent/lab.toml", true, out, err) == 1);
  CHECK(err.str().starts_with("/nonexistent/lab.toml: cannot be read: No such file or directory"));
}

}  // namespace bulkhead
