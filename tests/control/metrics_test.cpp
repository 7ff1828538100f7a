// SPDX-License-Identifier: Apache-2.0
#include "control/metrics.hpp"

#include <algorithm>
#include <catch2/catch.hpp>

#include "tests/control/metrics_checker.hpp"
#include "tests/control/sample_snapshot.hpp"

using namespace bulkhead;

namespace {

struct Family {
  std::string name;
  std::string type;
};

// The contract's table; a counter is named here as its samples are.
const std::vector<Family> kFamilies = {
    {"slice_received_packets_total", "counter"},
    {"slice_received_bytes_total", "counter"},
    {"slice_transmitted_packets_total", "counter"},
    {"slice_transmitted_bytes_total", "counter"},
    {"slice_dropped_packets_total", "counter"},
    {"slice_queued_packets", "gauge"},
    {"slice_cpu_seconds_total", "counter"},
    {"slice_cpu_throttled_seconds_total", "counter"},
    {"slice_cpu_reserve_ratio", "gauge"},
    {"slice_cpu_weight", "gauge"},
    {"slice_cpu_cap_ratio", "gauge"},
    {"slice_residence_seconds", "histogram"},
    {"slice_guarantee_bits_per_second", "gauge"},
    {"slice_ceiling_bits_per_second", "gauge"},
    {"slice_flow_rules", "gauge"},
    {"flow_rules_restored_total", "counter"},
    {"isolation_violations_total", "counter"},
    {"port_received_packets_total", "counter"},
    {"port_received_bytes_total", "counter"},
    {"port_transmitted_packets_total", "counter"},
    {"port_transmitted_bytes_total", "counter"},
    {"port_missed_packets_total", "counter"},
    {"port_transmit_failed_packets_total", "counter"},
    {"port_link_up", "gauge"},
    {"port_in_service", "gauge"},
    {"port_resets_total", "counter"},
    {"port_removals_total", "counter"},
    {"port_speed_bits_per_second", "gauge"},
    {"port_unclaimed_packets_total", "counter"},
    {"worker_busy_seconds_total", "counter"},
    {"worker_idle_seconds_total", "counter"},
    {"worker_overhead_seconds_total", "counter"},
    {"worker_stolen_seconds_total", "counter"},
    {"config_generation", "gauge"},
    {"config_last_apply_timestamp_seconds", "gauge"},
    {"build_info", "gauge"},
    {"slice_replicated_packets_total", "counter"},
    {"slice_memory_packets", "gauge"},
    {"slice_memory_quota_packets", "gauge"},
    {"slice_learned_addresses", "gauge"},
    {"slice_unlearned_addresses_total", "counter"},
    {"slice_input_queued_packets", "gauge"},
};

struct Sample {
  std::string series;
  double value;
};

void check_samples(const ScrapedMetrics& metrics, const std::vector<Sample>& samples) {
  for (const auto& [series, value] : samples) {
    INFO(series);
    const auto found = metrics.samples.find("bulkhead_" + series);
    REQUIRE(found != metrics.samples.end());
    CHECK(std::stod(found->second) == value);
  }
}

}  // namespace

TEST_CASE("Every family of the contract is there, with its type and a help text, in both formats") {
  const MetricsFormat format = GENERATE(MetricsFormat::prometheus, MetricsFormat::openmetrics);
  const ScrapedMetrics metrics = scrape(metrics_text(sample_snapshot(), format));
  CHECK(metrics.broken_rules == std::vector<std::string>{});
  for (auto [name, type] : kFamilies) {
    // OpenMetrics names the family of a counter without its samples' suffix.
    if (format == MetricsFormat::openmetrics && type == "counter") name.resize(name.size() - 6);
    INFO(name);
    REQUIRE(metrics.types.contains("bulkhead_" + name));
    CHECK(metrics.types.at("bulkhead_" + name) == type);
    CHECK(metrics.help.at("bulkhead_" + name).size() > 10);
  }
  CHECK(metrics.types.size() == kFamilies.size());
  CHECK(metrics.ended_by_eof == (format == MetricsFormat::openmetrics));
}

TEST_CASE("Figures land in the series that they belong to") {
  const MetricsFormat format = GENERATE(MetricsFormat::prometheus, MetricsFormat::openmetrics);
  const Snapshot snapshot = sample_snapshot();
  const auto& lab = snapshot.slices[0];
  const auto& north = lab.ports[1];
  const auto& port = snapshot.ports[0];
  const auto of = [](uint64_t count) { return static_cast<double>(count); };
  check_samples(
      scrape(metrics_text(snapshot, format)),
      {
          {R"(slice_received_packets_total{slice="lab-a",port="north"})", of(north.received.packets)},
          {R"(slice_received_bytes_total{slice="lab-a",port="north"})", of(north.received.bytes)},
          {R"(slice_transmitted_packets_total{slice="lab-a",port="north",pcp="5"})",
           of(north.transmitted[5].packets)},
          {R"(slice_transmitted_bytes_total{slice="lab-a",port="north",pcp="5"})",
           of(north.transmitted[5].bytes)},
          {R"(slice_queued_packets{slice="lab-a",port="north",pcp="7"})", of(north.queued_packets[7])},
          {R"(isolation_violations_total{slice="lab-a",port="north"})", of(north.isolation_violations)},
          {R"(slice_dropped_packets_total{slice="lab-a",reason="queue_full"})", of(lab.dropped[1].second)},
          {R"(slice_dropped_packets_total{slice="voice",reason="malformed"})", 0},
          {R"(slice_replicated_packets_total{slice="lab-a"})", of(lab.replicated_packets)},
          {R"(slice_input_queued_packets{slice="lab-a"})", of(lab.input_queued_packets)},
          {R"(slice_memory_packets{slice="lab-a"})", of(lab.memory_packets)},
          {R"(slice_memory_quota_packets{slice="lab-a"})", of(lab.memory_quota_packets)},
          {R"(slice_learned_addresses{slice="lab-a"})", of(lab.learned_addresses)},
          {R"(slice_unlearned_addresses_total{slice="lab-a"})", of(lab.unlearned_addresses)},
          {R"(slice_cpu_seconds_total{slice="lab-a"})", 1.5},
          {R"(slice_cpu_throttled_seconds_total{slice="lab-a"})", 0.25},
          {R"(slice_cpu_reserve_ratio{slice="lab-a"})", 0.3},
          {R"(slice_cpu_weight{slice="lab-a"})", 512},
          {R"(slice_cpu_cap_ratio{slice="lab-a"})", 0.8},
          {R"(slice_guarantee_bits_per_second{slice="lab-a",port="uplink"})", 2e9},
          {R"(slice_ceiling_bits_per_second{slice="lab-a",port="uplink"})", 5e9},
          {R"(slice_flow_rules{slice="voice",port="uplink",where="hardware"})", 1},
          {R"(slice_flow_rules{slice="voice",port="uplink",where="mark"})", 2},
          {R"(slice_flow_rules{slice="voice",port="uplink",where="software"})", 3},
          {R"(port_received_packets_total{port="uplink"})", of(port.received.packets)},
          {R"(port_received_bytes_total{port="uplink"})", of(port.received.bytes)},
          {R"(port_transmitted_packets_total{port="uplink"})", of(port.transmitted.packets)},
          {R"(port_transmitted_bytes_total{port="uplink"})", of(port.transmitted.bytes)},
          {R"(port_missed_packets_total{port="uplink"})", of(port.missed_packets)},
          {R"(port_transmit_failed_packets_total{port="uplink"})", of(port.transmit_failed_packets)},
          {R"(port_link_up{port="north"})", 1},
          {R"(port_in_service{port="uplink"})", 1},
          {R"(port_in_service{port="north"})", 0},
          {R"(port_resets_total{port="uplink"})", of(port.resets)},
          {R"(port_removals_total{port="uplink"})", of(port.removals)},
          {R"(port_speed_bits_per_second{port="north"})", 1e10},
          {R"(port_unclaimed_packets_total{port="uplink",reason="malformed"})", 0},
          {R"(port_unclaimed_packets_total{port="uplink",reason="not_in_flowspace"})",
           of(port.unclaimed[1].second)},
          {R"(worker_busy_seconds_total{worker="1"})", 13.5},
          {R"(worker_idle_seconds_total{worker="0"})", 3.5},
          {R"(worker_overhead_seconds_total{worker="0"})", 0.5},
          {R"(worker_stolen_seconds_total{worker="0"})", 0.125},
          {"config_generation", 7},
          {"config_last_apply_timestamp_seconds", 1.6e9},
          {R"(build_info{version="1.2.3"})", 1},
      });
}

TEST_CASE("The residence histogram is cumulative, in seconds, and ends at infinity") {
  const ScrapedMetrics metrics = scrape(metrics_text(sample_snapshot(), MetricsFormat::prometheus));
  check_samples(metrics, {
                             {R"(slice_residence_seconds_bucket{slice="lab-a",le="1e-06"})", 4},
                             {R"(slice_residence_seconds_bucket{slice="lab-a",le="4e-06"})", 4},
                             {R"(slice_residence_seconds_bucket{slice="lab-a",le="8e-06"})", 9},
                             {R"(slice_residence_seconds_bucket{slice="lab-a",le="4.194304"})", 9},
                             {R"(slice_residence_seconds_bucket{slice="lab-a",le="+Inf"})", 15},
                             {R"(slice_residence_seconds_count{slice="lab-a"})", 15},
                             {R"(slice_residence_seconds_sum{slice="lab-a"})", 60.5},
                         });
  const auto buckets = std::ranges::count_if(metrics.samples, [](const auto& sample) {
    return sample.first.starts_with(R"(bulkhead_slice_residence_seconds_bucket{slice="lab-a")");
  });
  CHECK(buckets == kResidenceBuckets);
}

TEST_CASE("An appliance without slices still names every family") {
  const ScrapedMetrics metrics = scrape(metrics_text(Snapshot{}, MetricsFormat::prometheus));
  CHECK(metrics.broken_rules == std::vector<std::string>{});
  CHECK(metrics.types.size() == kFamilies.size());
}

TEST_CASE("Label values are escaped") {
  Snapshot snapshot;
  snapshot.version = "a\"b\\c\nd";
  const ScrapedMetrics metrics = scrape(metrics_text(snapshot, MetricsFormat::prometheus));
  CHECK(metrics.broken_rules == std::vector<std::string>{});
  CHECK(metrics.samples.contains(R"(bulkhead_build_info{version="a\"b\\c\nd"})"));
}

TEST_CASE("Counters stay exact far beyond a float's precision") {
  Snapshot snapshot = sample_snapshot();
  snapshot.ports[0].received.packets = 9'007'199'254'740'991;  // 2^53 - 1, a year of 10 Gbit/s and then some
  CHECK(scrape(metrics_text(snapshot, MetricsFormat::prometheus))
            .samples.at(R"(bulkhead_port_received_packets_total{port="uplink"})") == "9007199254740991");
}

TEST_CASE("The format follows the Accept header") {
  struct Row {
    std::string accept;
    MetricsFormat format;
  };
  const std::vector<Row> rows = {
      {"", MetricsFormat::prometheus},
      {"*/*", MetricsFormat::prometheus},
      {"text/plain", MetricsFormat::prometheus},
      {"text/html,application/xhtml+xml,*/*;q=0.8", MetricsFormat::prometheus},
      {"application/openmetrics-text", MetricsFormat::openmetrics},
      {"application/openmetrics-text; version=1.0.0; charset=utf-8", MetricsFormat::openmetrics},
      {"application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
       "text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
       MetricsFormat::openmetrics},
      {"text/plain;q=0.9, application/openmetrics-text;q=0.5", MetricsFormat::prometheus},
      {"application/openmetrics-text;q=0", MetricsFormat::prometheus},
      {"application/openmetrics-textual", MetricsFormat::prometheus},
      {",;,;q=,q=1;;;", MetricsFormat::prometheus},
  };
  for (const auto& [accept, format] : rows) {
    INFO(accept);
    CHECK(negotiate_metrics(accept) == format);
  }
  CHECK(metrics_content_type(MetricsFormat::prometheus) == "text/plain; version=0.0.4; charset=utf-8");
  CHECK(metrics_content_type(MetricsFormat::openmetrics) ==
        "application/openmetrics-text; version=1.0.0; charset=utf-8");
}
