// SPDX-License-Identifier: Apache-2.0
#include "control/isolation.hpp"

#include "nic/packet_pool.hpp"
#include "tests/control/config_text.hpp"

namespace bulkhead {
namespace {

/// What the proof says of a text, one fault a line.
std::string proof_of(const std::string& text, const Resources& resources = {},
                     std::size_t limit = kOverlapLimit) {
  const Config config = accepted(text);
  return ConfigFaults{config.file, prove_isolation(config, resources, limit)}.to_string();
}

/// A slice that owns one VLAN at both ports, and what else it says.
std::string slice(const std::string& name, int vlan, const std::string& rest = "") {
  return "[[slice]]\nname = \"" + name +
         "\"\nflowspace = [{port = [\"uplink\", \"office\"], vlan = " + std::to_string(vlan) + "}]\n" + rest;
}

/// `count` slices of `each` entries that are disjoint: a VLAN a slice, a UDP port an entry.
std::string many(int count, int each) {
  std::string text(kTwoPorts);
  for (int s = 0; s < count; ++s) {
    text += "[[slice]]\nname = \"s" + std::to_string(s) + "\"\n";
    for (int e = 0; e < each; ++e)
      text += "[[slice.flowspace]]\nport = \"uplink\"\nvlan = " + std::to_string(s) +
              "\nip_proto = \"udp\"\nl4_dst = " + std::to_string(e) + "\n";
  }
  return text;
}

constexpr const char* kA = R"([[slice]]
name = "a"
[[slice.flowspace]]
port = "uplink"
vlan = 100
ip_src = "10.1.0.0/16"
)";
constexpr const char* kB = R"([[slice]]
name = "b"
[[slice.flowspace]]
port = "uplink"
vlan = "50-150"
ip_dst = "10.2.0.0/16"
ip_proto = "udp"
l4_dst = 53
)";

}  // namespace

TEST_CASE("an overlap is told with both lines and a packet that both would claim") {
  CHECK(proof_of(std::string(kTwoPorts) + kA + kB) ==
        "lab.toml:16: slice \"b\" overlaps slice \"a\" (lab.toml:10) at equal precedence:\n"
        "  both claim: port uplink, vlan 100, ipv4 10.1.0.1 > 10.2.0.1, udp 1024 > 53\n");
}

TEST_CASE("slices of different precedence may overlap, entries of one slice too") {
  CHECK(proof_of(std::string(kTwoPorts) + kA + kB + "[slice.cpu]\n") != "");
  CHECK(proof_of(std::string(kTwoPorts) +
                 "[[slice]]\nname = \"a\"\nprecedence = 1\nflowspace = [{port = \"uplink\"}]\n" + kB) == "");
  CHECK(proof_of(kOneSlice + "[[slice.flowspace]]\nport = \"uplink\"\nvlan = 5\n") == "");
}

TEST_CASE("fields that no frame has together do not overlap") {
  CHECK(proof_of(std::string(kTwoPorts) +
                 "[[slice]]\nname = \"a\"\nflowspace = [{port = \"uplink\", ethertype = \"arp\"}]\n"
                 "[[slice]]\nname = \"b\"\nflowspace = [{port = \"uplink\", ip_proto = \"udp\"}]\n"
                 "[[slice]]\nname = \"c\"\nflowspace = [{port = \"uplink\", ip_proto = \"tcp\"}]\n") == "");
  CHECK(proof_of(std::string(kTwoPorts) +
                 "[[slice]]\nname = \"a\"\nflowspace = [{port = \"uplink\", vlan = \"untagged\"}]\n"
                 "[[slice]]\nname = \"b\"\nflowspace = [{port = \"uplink\", pcp = 5}]\n") == "");
}

TEST_CASE("of many overlaps the first are listed, and that there are more") {
  std::string text(kTwoPorts);
  for (const char* name : {"a", "b", "c"}) text += slice(name, 5);
  const std::string all = proof_of(text);
  CHECK(std::count(all.begin(), all.end(), '\n') == 6);  // three pairs, two lines each
  const std::string two = proof_of(text, {}, 2);
  CHECK(two.starts_with("lab.toml: more than 2 pairs of slices overlap"));
  CHECK(std::count(two.begin(), two.end(), '\n') == 5);
}

TEST_CASE("guarantees fit the port's speed, configured or reported") {
  const std::string half = "bandwidth = {guarantee = \"5Gbps\"}\n";
  const std::string two = std::string(kTwoPorts) + slice("a", 1, half) + slice("b", 2, half);
  CHECK(proof_of(two) == "");
  CHECK(
      proof_of(two + slice("c", 3, "bandwidth = {uplink = {guarantee = \"1kbps\"}}\n")) ==
      "lab.toml:19:13: the guarantees at port \"uplink\" sum to 10000001kbps, more than its speed of 10Gbps; "
      "lower them by 1kbps\n");
  // The speed of "office" is known only to its device.
  CHECK(proof_of(two, {.port_speeds = {std::nullopt, 10_Gbps}, .workers = {}}) == "");
  CHECK(proof_of(two, {.port_speeds = {std::nullopt, 1_Gbps}, .workers = {}}) ==
        "lab.toml:11:13: the guarantees at port \"office\" sum to 10Gbps, more than its speed of 1Gbps; "
        "lower them "
        "by 9Gbps\n");
}

TEST_CASE("class guarantees fit the slice's at each of its ports") {
  const std::string classes =
      "class = [{pcp = 0}, {pcp = 1, guarantee = \"1Gbps\"}, {pcp = 2, guarantee = \"1Gbps\"}]\n";
  CHECK(proof_of(kTwoPorts.data() + slice("a", 1, "bandwidth = {guarantee = \"2Gbps\"}\n" + classes)) == "");
  CHECK(
      proof_of(kTwoPorts.data() +
               slice("a", 1,
                     "bandwidth = {guarantee = \"2Gbps\", office = {guarantee = \"1Gbps\"}}\n" + classes)) ==
      "lab.toml:12:21: the class guarantees of slice \"a\" sum to 2Gbps, more than the slice's guarantee of "
      "1Gbps "
      "at port \"office\"; lower them, or raise the slice's guarantee\n");
}

TEST_CASE("no ceiling is above the port's configured speed, no class's above its slice's") {
  const auto with = [](const std::string& bandwidth, const std::string& rest = "") {
    return proof_of(kTwoPorts.data() + slice("a", 1, "bandwidth = {" + bandwidth + "}\n" + rest));
  };
  // The speed of "office" is its device's: it may be more.
  CHECK(with("ceiling = \"10Gbps\"") == "");
  CHECK(with("office = {ceiling = \"40Gbps\"}") == "");
  CHECK(with("ceiling = \"11Gbps\"") ==
        "lab.toml:11:13: the ceiling of slice \"a\", 11Gbps, is above the speed of port \"uplink\", 10Gbps; "
        "lower "
        "it, or give that port a ceiling of its own in [slice.bandwidth.uplink]\n");
  CHECK(with("ceiling = \"40Gbps\", uplink = {ceiling = \"10Gbps\"}") == "");
  CHECK(with("uplink = {ceiling = \"11Gbps\"}")
            .starts_with("lab.toml:11:23: the ceiling of slice \"a\", 11Gbps"));

  const std::string class_of_3 = "class = [{pcp = 1, ceiling = \"3Gbps\"}]\n";
  CHECK(with("ceiling = \"2Gbps\", office = {ceiling = \"3Gbps\"}", class_of_3) == "");
  CHECK(with("ceiling = \"2Gbps\"", class_of_3) ==
        "lab.toml:12:10: the class's ceiling of 3Gbps is above that of slice \"a\", 2Gbps; lower it, or "
        "leave it "
        "out\n");
  CHECK(with("weight = 1", class_of_3) == "");  // nobody knows how fast "office" is
}

TEST_CASE("each reserve fits a worker") {
  const std::string reserve = "cpu = {reserve = \"60%\"}\n";
  const std::string text =
      std::string(kTwoPorts) + slice("a", 1, reserve) + slice("b", 2, reserve) + slice("c", 3, reserve);
  const Config config = accepted(text);
  CHECK(prove_isolation(config, {.port_speeds = {}, .workers = 3}).empty());
  const auto faults = prove_isolation(config, {.port_speeds = {}, .workers = 2});
  REQUIRE(faults.size() == 1);
  CHECK(faults[0].message ==
        "no worker of 2 has 60% of its core left for slice \"c\" beside the other slices' CPU reserves; "
        "lower them, or add workers");
}

TEST_CASE("reserves fit the workers") {
  const std::string reserve = "cpu = {reserve = \"80%\"}\n";
  const std::string text = std::string(kTwoPorts) + slice("a", 1, reserve) + slice("b", 2, reserve);
  CHECK(proof_of(text) == "");  // how many workers there will be is not known
  CHECK(proof_of(text, {.port_speeds = {}, .workers = 2}) == "");
  constexpr const char* kTooMuch =
      ": the CPU reserves sum to 160%, more than the 100% of 1 worker; lower them, or add workers\n";
  CHECK(proof_of(text, {.port_speeds = {}, .workers = 1}) == std::string("lab.toml:15:7") + kTooMuch);
  CHECK(proof_of("[appliance]\nworkers = 1\n" + text, {.port_speeds = {}, .workers = 2}) ==
        std::string("lab.toml:17:7") + kTooMuch);
}

TEST_CASE("the slices' packets fit what ports and workers leave of the memory") {
  const std::string two = "[appliance]\nmemory = \"16MiB\"\nworkers = 1\n" + std::string(kTwoPorts);
  const uint64_t all = PacketPool::capacity_of(16_MiB, 2048);
  const uint64_t left = all - 5184;
  const auto packets = [](uint64_t count) { return "memory = {packets = " + std::to_string(count) + "}\n"; };
  const std::string account = "16MiB of memory hold " + std::to_string(all) + " packets of " +
                              std::to_string(PacketPool::footprint(2048).count()) +
                              "B, of which 2 ports and 1 worker need 5184";
  CHECK(proof_of(two + slice("a", 1, packets(left))) == "");
  CHECK(proof_of(two + slice("a", 1, packets(left - 96)) + slice("b", 2)) == "");
  CHECK(
      proof_of(two + slice("a", 1, packets(left - 95)) + slice("b", 2)) ==
      "lab.toml:15:1: slice \"b\" has 95 packets of memory for its 6 queues, which need 96; raise memory in "
      "[appliance]\n");
  CHECK(
      proof_of(two + slice("a", 1, packets(1))) ==
      "lab.toml:11:1: slice \"a\" has 1 packets of memory for its 6 queues, which need 96; raise packets in "
      "[slice.memory]\n");
  CHECK(proof_of(two + slice("a", 1, packets(left - 96)) + slice("b", 2, packets(97))) ==
        "lab.toml:15:1: the slices' memory sums to " + std::to_string(left + 1) + " packets, and " + account +
            "; lower packets in [slice.memory], or raise memory in [appliance]\n");
  // Where the memory is laid out already, it counts, whatever another start would make of it.
  CHECK(proof_of(two + slice("a", 1, packets(64)),
                 {.port_speeds = {}, .workers = {}, .memory = PacketMemory{2048, 4'000}}) ==
        "lab.toml:1:1: 16MiB of memory hold 4000 packets of " +
            std::to_string(PacketPool::footprint(2048).count()) +
            "B, of which 2 ports and 1 worker need 5184; raise memory in [appliance]\n");
}

TEST_CASE("devices with long frames leave memory for fewer packets") {
  const std::string jumbo =
      "[appliance]\nmemory = \"64MiB\"\nworkers = 1\n[[port]]\nname = \"big\"\n"
      "device = \"net_af_packet0,iface=v1,blocksz=65536,framesz=16384,framecnt=64\"\n"
      "[[slice]]\nname = \"a\"\nflowspace = [{port = \"big\"}]\n";
  CHECK(proof_of(jumbo) == "");
  CHECK(proof_of(jumbo + "memory = {packets = 29000}\n")
            .find("the slices' memory sums to 29000 packets, and "
                  "64MiB of memory hold 37") != std::string::npos);
}

TEST_CASE("rules in hardware can be asked of devices that may take them") {
  const auto proof = [](const std::string& device) {
    return proof_of("[[port]]\nname = \"nic\"\ndevice = \"" + device + "\"\nflow_rules = \"hardware\"\n" +
                    "[[slice]]\nname = \"a\"\nflowspace = [{port = \"nic\"}]\n");
  };
  CHECK(proof("0000:3b:00.0") == "");
  CHECK(proof("net_tap0") == "");
  for (const char* device : {"net_af_packet0,iface=v1", "net_memif0", "net_null0"})
    CHECK(
        proof(device) ==
        "lab.toml:1:1: port \"nic\" has flow_rules = \"hardware\", but its device takes no flow rules; write "
        "\"auto\" or \"software\"\n");
}

TEST_CASE("entries are numbered through all slices, and lead back to theirs") {
  const Config config = accepted(std::string(kTwoPorts) + slice("a", 1) + kB);
  const auto entries = flowspace_entries(config);
  const auto sources = flowspace_sources(config);
  REQUIRE(entries.size() == 3);  // the first names two ports
  REQUIRE(sources.size() == 2);
  CHECK(entries[0].source == 0);
  CHECK(entries[1].source == 0);
  CHECK(entries[2].source == 1);
  CHECK(sources[0].slice == SliceId{0});
  CHECK(sources[1].slice == SliceId{1});
  CHECK(sources[1].at.line == 13);
  CHECK(entries[2].match == config.slices[1].flowspaces[0].matches[0]);
}

TEST_CASE("ten thousand entries are proved, and one more against them") {
  const Config config = accepted(many(100, 100));
  CHECK(prove_isolation(config).empty());
  const ProvedFlowspaces proved(config);
  FlowspaceConfig added = config.slices[50].flowspaces[7];
  added.at = {77, 1};
  CHECK(proved.prove_added(SliceId{50}, added).empty());  // the slice's own
  const auto faults = proved.prove_added(SliceId{51}, added);
  REQUIRE(faults.size() == 1);
  CHECK(faults[0].at.line == 77);
  CHECK(faults[0].message.starts_with("slice \"s51\" overlaps slice \"s50\" (lab.toml:" +
                                      std::to_string(config.slices[50].flowspaces[7].at.line) +
                                      ") at equal precedence:\n  both claim: port uplink, vlan 50, "));
  added.matches[0].l4_dst = Interval<Headers::kNoL4Port>::exactly(30'000);
  CHECK(proved.prove_added(SliceId{51}, added).empty());
}

}  // namespace bulkhead
