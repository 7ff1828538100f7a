// SPDX-License-Identifier: Apache-2.0
// Real packets, many of them broken, through a whole appliance: each is accounted for exactly once.
#include <array>
#include <catch2/catch.hpp>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "tests/control/lab.hpp"
#include "tests/control/temporary_directory.hpp"
#include "tests/support/pcap_file.hpp"

namespace bulkhead {
namespace {

using namespace test;

constexpr int kSkipped = 77;  // SKIP_RETURN_CODE

/// The folder with the captures. Without one, the test says so and ends as skipped.
std::filesystem::path captures() {
  const char* named = std::getenv("BULKHEAD_CAPTURES");
  const std::filesystem::path folder = named != nullptr ? named : BULKHEAD_TEST_CAPTURES;
  if (std::filesystem::exists(folder / "hostile.pcap") && std::filesystem::exists(folder / "office.pcap"))
    return folder;
  std::fprintf(stderr, "SKIPPED: no captures in %s; set BULKHEAD_CAPTURES to their folder\n", folder.c_str());
  std::exit(kSkipped);
}

/// Slices of every kind: by VLAN, by protocol, by address, by L4 port, at different precedences.
constexpr std::string_view kSlices = R"(
[[slice]]
name = "tagged"
flowspace = [{port = ["office", "hostile", "far"], vlan = "0-4094"}]
[[slice]]
name = "web"
forward = "wire"
precedence = 2
flowspace = [{port = ["office", "far"], vlan = "untagged", ip_proto = "tcp", l4_dst = 80},
             {port = ["office", "far"], vlan = "untagged", ip_proto = "tcp", l4_src = "80-443"}]
[[slice]]
name = "names"
precedence = 1
flowspace = [{port = ["office", "hostile"], vlan = "untagged", ip_proto = "udp", l4_dst = 53},
             {port = ["office", "hostile"], vlan = "untagged", ip_proto = "udp", l4_src = 53},
             {port = "far", vlan = 53}]
[[slice]]
name = "private"
precedence = -1
flowspace = [{port = ["office", "hostile", "far"], vlan = "untagged", ip_src = "192.168.0.0/16"},
             {port = ["office", "hostile", "far"], vlan = "untagged", ip_src = "10.0.0.0/8", dscp = 0}]
[[slice]]
name = "six"
precedence = -1
flowspace = [{port = ["hostile", "far"], vlan = "untagged", ethertype = "ipv6"}]
[[slice]]
name = "remains"
forward = "wire"
precedence = -2
flowspace = [{port = ["hostile", "far"], vlan = "untagged"}]
)";

struct Link {
  std::string name;
  std::string in;  // empty: nothing arrives
  std::string out;
};

std::string port_of(const Link& link, std::size_t number) {
  std::string device = "net_pcap" + std::to_string(number);
  if (!link.in.empty()) device += ",rx_pcap=" + link.in;
  return port_section(link.name, device + ",tx_pcap=" + link.out);
}

/// Everything has arrived and nothing is on its way any more.
bool is_quiet(const Snapshot& seen, const std::array<std::size_t, 3>& frames) {
  for (std::size_t port = 0; port < frames.size(); ++port)
    if (seen.ports.at(port).received.packets + seen.ports[port].missed_packets < frames[port]) return false;
  for (const Snapshot::Slice& slice : seen.slices) {
    if (slice.input_queued_packets > 0 || !is_balanced(slice)) return false;
    for (const Snapshot::SlicePort& port : slice.ports)
      for (const uint64_t queued : port.queued_packets)
        if (queued > 0) return false;
  }
  return true;
}

void check_port(const Snapshot& seen, std::size_t number, std::size_t frames) {
  const Snapshot::Port& port = seen.ports.at(number);
  INFO(port.name);
  uint64_t claimed = 0;
  uint64_t transmitted = 0;
  for (const Snapshot::Slice& slice : seen.slices)
    for (const Snapshot::SlicePort& place : slice.ports) {
      if (place.port != port.name) continue;
      claimed += place.received.packets;
      for (const Snapshot::Traffic& traffic : place.transmitted) transmitted += traffic.packets;
    }
  CHECK(port.missed_packets == 0);
  CHECK(port.received.packets == frames);
  CHECK(claimed + sum_of(port.unclaimed) == frames);
  CHECK(transmitted == port.transmitted.packets);
}

TEST_CASE("every captured frame is transmitted, dropped under one reason, or nobody's", "[captures]") {
  const std::filesystem::path folder = captures();
  const TemporaryDirectory directory;
  const std::array<Link, 3> links{{{"office", folder / "office.pcap", directory.file("office-out.pcap")},
                                   {"hostile", folder / "hostile.pcap", directory.file("hostile-out.pcap")},
                                   {"far", "", directory.file("far-out.pcap")}}};
  const std::array<std::size_t, 3> frames{read_pcap(links[0].in).size(), read_pcap(links[1].in).size(), 0};
  REQUIRE(frames[0] > 10'000);
  REQUIRE(frames[1] > 5'000);

  std::string text = appliance_section();
  for (std::size_t i = 0; i < links.size(); ++i) text += port_of(links[i], i);
  auto appliance = start_appliance(text + std::string(kSlices));
  CHECK(eventually([&] { return is_quiet(appliance->snapshot(), frames); }));
  appliance->stop(std::chrono::seconds{10});
  const Snapshot seen = appliance->snapshot();
  CHECK(appliance->packets_in_use() == 0);
  appliance.reset();  // closes the captures that were written

  uint64_t received = 0;
  uint64_t went = 0;
  for (std::size_t port = 0; port < links.size(); ++port) {
    check_port(seen, port, frames[port]);
    CHECK(read_pcap(links[port].out).size() == seen.ports[port].transmitted.packets);
    received += seen.ports[port].received.packets;
    went += seen.ports[port].transmitted.packets + sum_of(seen.ports[port].unclaimed);
  }
  for (const Snapshot::Slice& slice : seen.slices) {
    INFO(slice.name);
    CHECK(is_balanced(slice));
    CHECK(received_by(slice) > 0);
    went += sum_of(slice.dropped);
    received += slice.replicated_packets;
  }
  CHECK(received == went);
}

}  // namespace
}  // namespace bulkhead
