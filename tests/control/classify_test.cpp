// SPDX-License-Identifier: Apache-2.0
#include "control/classify.hpp"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>

#include "classifier/frame_builder.hpp"
#include "tests/control/config_text.hpp"

namespace bulkhead {
namespace {

namespace fs = std::filesystem;

constexpr const char* kLab = R"([[port]]
name = "uplink"
device = "net_null0"
[[port]]
name = "office"
device = "net_null1"
[[slice]]
name = "lab"
[[slice.flowspace]]
port = "uplink"
vlan = 100
[[slice.flowspace]]
port = ["uplink", "office"]
ip_dst = "10.2.0.0/16"
vlan = "untagged"
[[slice]]
name = "voice"
[[slice.flowspace]]
port = "office"
vlan = 100
)";

/// A directory that is removed at the end.
class TemporaryDirectory {
 public:
  TemporaryDirectory() { REQUIRE(mkdtemp(path_) != nullptr); }
  ~TemporaryDirectory() { fs::remove_all(path_); }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

  [[nodiscard]] std::string file(const std::string& name, const std::string& bytes) const {
    const std::string path = std::string(path_) + "/" + name;
    std::ofstream(path, std::ios::binary) << bytes;
    return path;
  }

 private:
  char path_[32] = "/tmp/bulkhead-classify-XXXXXX";
};

std::string little_endian(uint32_t value) {
  std::string out;
  for (int shift = 0; shift < 32; shift += 8) out += static_cast<char>(value >> shift & 0xff);
  return out;
}

/// A pcap file's header for frames of this link type (1 is Ethernet).
std::string pcap_header(uint32_t link_type = 1) {
  return little_endian(0xa1b2c3d4) + little_endian(0x00040002) + std::string(8, '\0') + little_endian(65535) +
         little_endian(link_type);
}

std::string pcap_record(const std::vector<uint8_t>& frame, std::size_t captured) {
  return std::string(8, '\0') + little_endian(static_cast<uint32_t>(captured)) +
         little_endian(static_cast<uint32_t>(frame.size())) +
         std::string(frame.begin(), frame.end()).substr(0, captured);
}

std::string pcap_record(const std::vector<uint8_t>& frame) { return pcap_record(frame, frame.size()); }

std::vector<uint8_t> udp_frame(Vlan vlan, uint8_t destination_net) {
  Headers headers;
  headers.vlan = vlan;
  headers.pcp = vlan.is_tagged() ? 0 : Headers::kNoPcp;
  headers.eth_src = MacAddress{0x02'00'00'00'00'01};
  headers.eth_dst = MacAddress{0x02'00'00'00'00'02};
  headers.ethertype = kEthertypeIpv4;
  headers.ip_src = {IpAddress::Family::v4, {10, 1, 0, 1}};
  headers.ip_dst = {IpAddress::Family::v4, {10, destination_net, 0, 1}};
  headers.ip_proto = 17;
  headers.dscp = 0;
  headers.l4_src = 1024;
  headers.l4_dst = 53;
  return build_frame(headers);
}

/// The captures that come beside the repository, if they do.
fs::path captures() {
  const char* folder = std::getenv("BULKHEAD_CAPTURES");
  return folder != nullptr ? folder : BULKHEAD_TEST_CAPTURES;
}

/// Runs the command, and returns what it printed and how it ended.
struct Outcome {
  int status = 0;
  std::string out, err;
};
Outcome classify(const std::string& config, const std::string& capture,
                 std::optional<std::string> port = {}) {
  std::ostringstream out, err;
  const int status = classify_command(config, capture, port, out, err);
  return {status, out.str(), err.str()};
}

}  // namespace

TEST_CASE("each packet is given to its slice and entry at the port named") {
  const TemporaryDirectory directory;
  const std::string config = directory.file("lab.toml", kLab);
  const std::string capture = directory.file(
      "a.pcap", pcap_header() + pcap_record(udp_frame(Vlan{100}, 9)) + pcap_record(udp_frame(Vlan{}, 2)) +
                    pcap_record(udp_frame(Vlan{}, 3)) + pcap_record(udp_frame(Vlan{}, 2), 20) +
                    pcap_record(udp_frame(Vlan{100}, 9), 40));
  const Outcome outcome = classify(config, capture, "uplink");
  INFO(outcome.out << outcome.err);
  CHECK(outcome.status == 0);
  const auto pad = std::string(config.size() + 3 - 5, ' ');
  const auto gap = std::string(config.size() + 3 - 1 + 2, ' ');
  CHECK(outcome.out ==
        "packet  port    slice      entry" + pad + "  frame\n" + "     1  uplink  lab        " + config +
            ":9   vlan 100, ipv4 10.1.0.1 > 10.9.0.1, udp 1024 > 53\n" + "     2  uplink  lab        " +
            config + ":12  untagged, ipv4 10.1.0.1 > 10.2.0.1, udp 1024 > 53\n" +
            "     3  uplink  unclaimed  -" + gap + "untagged, ipv4 10.1.0.1 > 10.3.0.1, udp 1024 > 53\n" +
            "     4  uplink  malformed  -" + gap + "untagged, ethertype 0x0800 (cut short by the capture)\n" +
            "     5  uplink  lab        " + config +
            ":9   vlan 100, ethertype 0x0800 (cut short by the capture)\n" +
            "\n5 packets\n  lab        3\n  voice      0\n  unclaimed  1\n  malformed  1\n");
}

TEST_CASE("without a port a packet is tried at all, and counts once for each slice") {
  const TemporaryDirectory directory;
  const std::string config = directory.file("lab.toml", kLab);
  const std::string capture =
      directory.file("a.pcap", pcap_header() + pcap_record(udp_frame(Vlan{100}, 9)) +
                                   pcap_record(udp_frame(Vlan{}, 2)) + pcap_record(udp_frame(Vlan{7}, 2)));
  const Outcome outcome = classify(config, capture);
  INFO(outcome.out << outcome.err);
  CHECK(outcome.status == 0);
  for (const std::string line :
       {"\n     1  uplink  lab  ", "\n     1  office  voice  ", "\n     2  uplink  lab  ",
        "\n     2  office  lab  ", "\n     3  any     unclaimed  - "})
    CHECK(outcome.out.find(line) != std::string::npos);
  CHECK(
      outcome.out.ends_with("\n3 packets\n  lab        2\n  voice      1\n  unclaimed  1\n  malformed  0\n"));
}

TEST_CASE("what cannot be classified is refused with the reason") {
  const TemporaryDirectory directory;
  const std::string config = directory.file("lab.toml", kLab);
  const std::string capture = directory.file("a.pcap", pcap_header());
  CHECK(classify(config, capture).status == 0);

  const Outcome no_port = classify(config, capture, "uplnk");
  CHECK(no_port.status == 64);
  CHECK(no_port.err == "no [[port]] of " + config + " is named \"uplnk\"; did you mean \"uplink\"?\n");

  CHECK(classify("/nonexistent/lab.toml", capture).status == 1);

  const Outcome no_capture = classify(config, "/nonexistent/a.pcap");
  CHECK(no_capture.status == 1);
  CHECK(no_capture.err ==
        "capture /nonexistent/a.pcap cannot be read: No such file or directory; name a pcap file that this "
        "user may "
        "read\n");

  const std::string no_pcap = directory.file("b.pcap", "this is no capture, whatever its name says");
  CHECK(classify(config, no_pcap).status == 1);
  CHECK(classify(config, no_pcap).err.starts_with("capture " + no_pcap + " is not a capture: "));

  const std::string linux_cooked = directory.file("c.pcap", pcap_header(113));
  CHECK(classify(config, linux_cooked).status == 1);
  CHECK(classify(config, linux_cooked).err ==
        "capture " + linux_cooked +
            " holds frames of link type LINUX_SLL; only Ethernet (EN10MB) can "
            "be classified, so capture on an Ethernet interface\n");
}

TEST_CASE("a capture that breaks off is classified up to there") {
  const TemporaryDirectory directory;
  const std::string config = directory.file("lab.toml", kLab);
  std::string bytes =
      pcap_header() + pcap_record(udp_frame(Vlan{100}, 9)) + pcap_record(udp_frame(Vlan{100}, 9));
  bytes.resize(bytes.size() - 7);
  const Outcome outcome = classify(config, directory.file("a.pcap", bytes), "uplink");
  CHECK(outcome.status == 1);
  CHECK(outcome.out.find("\n1 packet\n  lab        1\n") != std::string::npos);
  CHECK(outcome.err.find(" is damaged: ") != std::string::npos);
}

TEST_CASE("every frame of the captures is given to one slice, to nobody, or called malformed") {
  const fs::path folder = captures();
  if (!fs::exists(folder)) {
    WARN("SKIPPED: no captures in " << folder << "; set BULKHEAD_CAPTURES to their folder");
    return;
  }
  const TemporaryDirectory directory;
  const std::string config = directory.file("lab.toml", R"([[port]]
name = "uplink"
device = "net_null0"
[[slice]]
name = "web"
flowspace = [{port = "uplink", ip_proto = "tcp", l4_dst = 80}, {port = "uplink", ip_proto = "tcp", l4_src = 80}]
[[slice]]
name = "tagged"
precedence = -1
flowspace = [{port = "uplink", vlan = "0-4094"}]
)");
  for (const auto& [name, packets] : {std::pair("hostile.pcap", 8236), std::pair("office.pcap", 19173)}) {
    INFO(name);
    const Outcome outcome = classify(config, (folder / name).string());
    CHECK(outcome.status == 0);
    CHECK(std::count(outcome.out.begin(), outcome.out.end(), '\n') == packets + 7);
    std::istringstream summary(outcome.out.substr(outcome.out.rfind(" packets\n") + 9));
    long sum = 0, count = 0;
    for (std::string what; summary >> what >> count;) sum += count;
    CHECK(sum == packets);
  }
}

}  // namespace bulkhead
