// SPDX-License-Identifier: Apache-2.0
#include "control/status_table.hpp"

#include <catch2/catch.hpp>
#include <limits>

using namespace bulkhead;

namespace {

Snapshot two_slices() {
  Snapshot snapshot;
  Snapshot::Slice lab;
  lab.name = "lab-a";
  lab.dropped = {{"queue_full", 40}, {"malformed", 2}};
  lab.ports.resize(2);
  lab.ports[0].received = {0, 0, 1250, 83.1e6};
  lab.ports[1].received = {0, 0, 1250, 1e6};
  lab.ports[1].transmitted[0] = {0, 0, 400, 10e9};
  lab.ports[1].transmitted[7] = {0, 0, 599, 0};
  lab.ports[0].rules_hardware = 3;
  lab.ports[0].rules_mark = 1;
  lab.ports[1].rules_software = 20;
  lab.memory_packets = 12;
  lab.memory_quota_packets = 8192;
  lab.cpu_percent = 12.34;
  lab.cpu_reserve_percent = 30;
  lab.cpu_cap_percent = 80.5;
  lab.cpu_throttled_percent = 0.04;
  Snapshot::Slice voice;
  voice.name = "v";
  snapshot.slices = {lab, voice};
  Snapshot::Port port;
  port.name = "uplink";
  port.received.packets_per_second = 5;
  port.missed_packets = 3;
  port.unclaimed = {{"not_in_flowspace", 4}};
  snapshot.ports = {port};
  return snapshot;
}

}  // namespace

TEST_CASE("The table has a line for each slice and each port, figures aligned to the right") {
  CHECK(status_table(two_slices()) ==
        "slice  rx pkt/s  rx bit/s  tx pkt/s  tx bit/s  dropped      memory    cpu  reserve    cap  "
        "throttled  hw/mark/sw rules\n"
        "lab-a    2.50 k    84.1 M       999    10.0 G       42  12 of 8192  12.3%    30.0%  80.5%       "
        "0.0%            3/1/20\n"
        "v             0         0         0         0        0      0 of 0   0.0%     0.0%   none       "
        "0.0%             0/0/0\n"
        "\n"
        "port    rx pkt/s  rx bit/s  tx pkt/s  tx bit/s  not taken  link\n"
        "uplink         5         0         0         0          7  down\n");
}

TEST_CASE("A port that is out of service has that where its link would stand") {
  Snapshot snapshot = two_slices();
  snapshot.ports[0].out_of_service = "removed";
  CHECK_THAT(status_table(snapshot), Catch::EndsWith("7  removed\n"));
}

TEST_CASE("Rates are scaled to three digits at every size") {
  struct Row {
    double rate;
    std::string text;
  };
  const std::vector<Row> rows = {
      {0, " 0 "},          {0.4, " 0 "},       {999.4, " 999 "},
      {999.5, " 1.00 k "}, {9994, " 9.99 k "}, {9995, " 10.0 k "},
      {99'950, " 100 k "}, {1e9, " 1.00 G "},  {123e9, " 123 G "},
      {5e15, " 5000 T "},  {-1, " 0 "},        {std::numeric_limits<double>::quiet_NaN(), " 0 "}};
  for (const auto& [rate, text] : rows) {
    Snapshot snapshot = two_slices();
    snapshot.slices[1].ports.resize(1);
    snapshot.slices[1].ports[0].received.packets_per_second = rate;
    INFO(rate);
    CHECK(status_table(snapshot).find(text) != std::string::npos);
  }
}

TEST_CASE("Nothing to show still shows the headings") {
  CHECK(status_table(Snapshot{}) ==
        "slice  rx pkt/s  rx bit/s  tx pkt/s  tx bit/s  dropped  memory  cpu  reserve  cap  throttled  "
        "hw/mark/sw rules\n\n"
        "port  rx pkt/s  rx bit/s  tx pkt/s  tx bit/s  not taken  link\n");
}

TEST_CASE("Above the table stands what is in force, and why the appliance is not ready") {
  Snapshot snapshot;
  snapshot.version = "1.2.3";
  snapshot.config_generation = 7;
  snapshot.ready = true;
  CHECK(status_text(snapshot) == "bulkhead 1.2.3, generation 7, ready\n\n" + status_table(snapshot));
  snapshot.ready = false;
  snapshot.not_ready_because = "port uplink has no link";
  CHECK_THAT(status_text(snapshot), Catch::StartsWith("bulkhead 1.2.3, generation 7, not ready: port uplink "
                                                      "has no link\n\nslice "));
}
