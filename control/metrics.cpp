// SPDX-License-Identifier: Apache-2.0
#include "control/metrics.hpp"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <charconv>
#include <initializer_list>
#include <sstream>
#include <utility>
#include <vector>

namespace bulkhead {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricType;
using Labels = std::vector<ClientMetric::Label>;
using Series = std::vector<ClientMetric>;

/// Writes one family after the other, so that only one is ever held as objects: a thousand slices have some
/// hundred thousand series.
class FamilyWriter {
 public:
  explicit FamilyWriter(MetricsFormat format) : format_(format) {}

  void write(MetricType type, std::string name, std::string help, Series series) {
    prometheus::MetricFamily family{"bulkhead_" + std::move(name), std::move(help), type, std::move(series)};
    std::ostringstream out;
    prometheus::TextSerializer{}.Serialize(out, {family});
    std::string text = std::move(out).str();
    if (format_ == MetricsFormat::openmetrics && type == MetricType::Counter)
      name_without_total(text, family.name);
    text_ += text;
  }

  void counters(std::string name, std::string help, Series series) {
    write(MetricType::Counter, std::move(name), std::move(help), std::move(series));
  }
  void gauges(std::string name, std::string help, Series series) {
    write(MetricType::Gauge, std::move(name), std::move(help), std::move(series));
  }

  [[nodiscard]] std::string finish() && {
    if (format_ == MetricsFormat::openmetrics) text_ += "# EOF\n";
    return std::move(text_);
  }

 private:
  /// OpenMetrics 1.0.0, "Counter": the family is called `x`, its samples `x_total`. The serializer knows only
  /// the older format, in which both are `x_total`.
  static void name_without_total(std::string& text, const std::string& name) {
    constexpr std::string_view kSuffix = "_total";
    for (const std::string_view keyword : {"# TYPE ", "# HELP "}) {
      const std::size_t line = text.find(std::string(keyword) + name);
      if (line != std::string::npos) {
        text.erase(line + keyword.size() + name.size() - kSuffix.size(), kSuffix.size());
      }
    }
  }

  MetricsFormat format_;
  std::string text_;
};

ClientMetric sample(Labels labels, double value) {
  ClientMetric metric;
  metric.label = std::move(labels);
  metric.counter.value = value;  // the serializer reads the one that the family's type names
  metric.gauge.value = value;
  return metric;
}

ClientMetric sample(Labels labels, uint64_t value) {
  return sample(std::move(labels), static_cast<double>(value));
}

template <class Value>
Series by_slice(const Snapshot& snapshot, Value value) {
  Series series;
  for (const auto& slice : snapshot.slices) series.push_back(sample({{"slice", slice.name}}, value(slice)));
  return series;
}

template <class Value>
Series by_slice_port(const Snapshot& snapshot, Value value) {
  Series series;
  for (const auto& slice : snapshot.slices) {
    for (const auto& port : slice.ports) {
      series.push_back(sample({{"slice", slice.name}, {"port", port.port}}, value(port)));
    }
  }
  return series;
}

template <class Value>
Series by_slice_port_pcp(const Snapshot& snapshot, Value value) {
  Series series;
  for (const auto& slice : snapshot.slices) {
    for (const auto& port : slice.ports) {
      for (std::size_t pcp = 0; pcp < 8; ++pcp) {
        series.push_back(sample({{"slice", slice.name}, {"port", port.port}, {"pcp", std::to_string(pcp)}},
                                value(port, pcp)));
      }
    }
  }
  return series;
}

template <class Value>
Series by_port(const Snapshot& snapshot, Value value) {
  Series series;
  for (const auto& port : snapshot.ports) series.push_back(sample({{"port", port.name}}, value(port)));
  return series;
}

template <class Value>
Series by_worker(const Snapshot& snapshot, Value value) {
  Series series;
  for (std::size_t i = 0; i < snapshot.workers.size(); ++i) {
    series.push_back(sample({{"worker", std::to_string(i)}}, value(snapshot.workers[i])));
  }
  return series;
}

void write_slice_traffic(const Snapshot& snapshot, FamilyWriter& out) {
  out.counters("slice_received_packets_total", "Packets received into the slice's flowspace.",
               by_slice_port(snapshot, [](const auto& port) { return port.received.packets; }));
  out.counters("slice_received_bytes_total",
               "Bytes received into the slice's flowspace, without frame check sequence.",
               by_slice_port(snapshot, [](const auto& port) { return port.received.bytes; }));
  out.counters(
      "slice_transmitted_packets_total", "Packets of the slice handed to the port for transmission.",
      by_slice_port_pcp(snapshot, [](const auto& port, auto pcp) { return port.transmitted[pcp].packets; }));
  out.counters(
      "slice_transmitted_bytes_total",
      "Bytes of the slice handed to the port for transmission, without frame check sequence.",
      by_slice_port_pcp(snapshot, [](const auto& port, auto pcp) { return port.transmitted[pcp].bytes; }));
  out.counters("slice_replicated_packets_total", "Further copies of packets that the slice made by flooding.",
               by_slice(snapshot, [](const auto& slice) { return slice.replicated_packets; }));
  out.gauges(
      "slice_queued_packets", "Packets waiting in the slice's egress queue.",
      by_slice_port_pcp(snapshot, [](const auto& port, auto pcp) { return port.queued_packets[pcp]; }));
  out.gauges("slice_input_queued_packets", "Packets waiting for the slice to be visited.",
             by_slice(snapshot, [](const auto& slice) { return slice.input_queued_packets; }));
  out.counters("isolation_violations_total",
               "Packets that arrived in the slice's queue without being in its flowspace; each was dropped.",
               by_slice_port(snapshot, [](const auto& port) { return port.isolation_violations; }));
}

void write_drops(const Snapshot& snapshot, FamilyWriter& out) {
  Series series;
  for (const auto& slice : snapshot.slices) {
    for (const auto& [reason, packets] : slice.dropped) {
      series.push_back(sample({{"slice", slice.name}, {"reason", reason}}, packets));
    }
  }
  out.counters("slice_dropped_packets_total", "Packets of the slice that were dropped, by reason.",
               std::move(series));
}

/// Bounds in seconds and cumulative counts, as the format wants them; the snapshot counts each packet once.
ClientMetric residence_histogram(const Snapshot::Slice& slice) {
  ClientMetric metric;
  metric.label = {{"slice", slice.name}};
  uint64_t cumulative = 0;
  for (std::size_t i = 0; i + 1 < kResidenceBuckets; ++i) {
    cumulative += slice.residence_buckets[i];
    const auto microseconds = static_cast<double>(uint64_t{1} << i);
    metric.histogram.bucket.push_back({cumulative, microseconds / 1e6});
  }
  metric.histogram.sample_count = cumulative + slice.residence_buckets.back();  // written as le="+Inf"
  metric.histogram.sample_sum = slice.residence_sum_seconds;
  return metric;
}

void write_slice_state(const Snapshot& snapshot, FamilyWriter& out) {
  Series residence;
  for (const auto& slice : snapshot.slices) residence.push_back(residence_histogram(slice));
  out.write(MetricType::Histogram, "slice_residence_seconds",
            "Seconds from a packet's arrival to its transmission.", std::move(residence));
  out.gauges("slice_memory_packets", "Packet buffers that the slice holds.",
             by_slice(snapshot, [](const auto& slice) { return slice.memory_packets; }));
  out.gauges("slice_memory_quota_packets", "Most packet buffers that the slice may hold.",
             by_slice(snapshot, [](const auto& slice) { return slice.memory_quota_packets; }));
  out.counters("slice_cpu_seconds_total", "Seconds of worker time charged to the slice.",
               by_slice(snapshot, [](const auto& slice) { return slice.cpu_seconds; }));
  out.counters("slice_cpu_throttled_seconds_total",
               "Seconds that the slice had work but was not visited because it was at its CPU cap.",
               by_slice(snapshot, [](const auto& slice) { return slice.cpu_throttled_seconds; }));
  out.gauges("slice_learned_addresses",
             "Station addresses in the slice's switch, also those silent for longer than the ageing time "
             "where no frame came since.",
             by_slice(snapshot, [](const auto& slice) { return slice.learned_addresses; }));
  out.counters(
      "slice_unlearned_addresses_total",
      "Frames whose source address found no room in the slice's switch: what is sent to it is flooded.",
      by_slice(snapshot, [](const auto& slice) { return slice.unlearned_addresses; }));
}

void write_cpu_policy(const Snapshot& snapshot, FamilyWriter& out) {
  out.gauges("slice_cpu_reserve_ratio", "Configured CPU reserve of the slice, as a part of one core.",
             by_slice(snapshot, [](const auto& slice) { return slice.cpu_reserve_percent / 100; }));
  out.gauges("slice_cpu_weight", "Configured CPU weight of the slice.",
             by_slice(snapshot, [](const auto& slice) { return uint64_t{slice.cpu_weight}; }));
  Series caps;
  for (const auto& slice : snapshot.slices)
    if (slice.cpu_cap_percent) caps.push_back(sample({{"slice", slice.name}}, *slice.cpu_cap_percent / 100));
  out.gauges("slice_cpu_cap_ratio",
             "Configured CPU cap of the slice, as a part of one core, where it has one.", std::move(caps));
}

void write_slice_policy(const Snapshot& snapshot, FamilyWriter& out) {
  write_cpu_policy(snapshot, out);
  out.gauges("slice_guarantee_bits_per_second",
             "Configured guarantee of the slice at the port, in bits per second.",
             by_slice_port(snapshot, [](const auto& port) { return port.guarantee_bits_per_second; }));
  out.gauges("slice_ceiling_bits_per_second",
             "Configured ceiling of the slice at the port, in bits per second.",
             by_slice_port(snapshot, [](const auto& port) { return port.ceiling_bits_per_second; }));
  Series rules;
  for (const auto& slice : snapshot.slices) {
    for (const auto& port : slice.ports) {
      const std::pair<const char*, uint32_t> tiers[] = {
          {"hardware", port.rules_hardware}, {"mark", port.rules_mark}, {"software", port.rules_software}};
      for (const auto& [where, count] : tiers) {
        rules.push_back(
            sample({{"slice", slice.name}, {"port", port.port}, {"where", where}}, uint64_t{count}));
      }
    }
  }
  out.gauges(
      "slice_flow_rules",
      "Flow rules of the slice at the port, by where packets are matched: steered by the NIC, marked by "
      "the NIC, or in software.",
      std::move(rules));
  out.counters("flow_rules_restored_total", "Flow rules that a device had lost, and that were put back.",
               {sample({}, snapshot.flow_rules_restored)});
}

void write_ports(const Snapshot& snapshot, FamilyWriter& out) {
  out.counters("port_received_packets_total", "Packets received by the port.",
               by_port(snapshot, [](const auto& port) { return port.received.packets; }));
  out.counters("port_received_bytes_total", "Bytes received by the port, without frame check sequence.",
               by_port(snapshot, [](const auto& port) { return port.received.bytes; }));
  out.counters("port_transmitted_packets_total", "Packets transmitted by the port.",
               by_port(snapshot, [](const auto& port) { return port.transmitted.packets; }));
  out.counters("port_transmitted_bytes_total", "Bytes transmitted by the port, without frame check sequence.",
               by_port(snapshot, [](const auto& port) { return port.transmitted.bytes; }));
  out.counters("port_missed_packets_total",
               "Packets lost in the NIC or its driver because no descriptor or buffer was free.",
               by_port(snapshot, [](const auto& port) { return port.missed_packets; }));
  out.counters(
      "port_transmit_failed_packets_total",
      "Packets lost in the driver after it had accepted them; their slices count them as transmitted.",
      by_port(snapshot, [](const auto& port) { return port.transmit_failed_packets; }));
  out.gauges("port_link_up", "1 when the port's link is up, 0 when it is down.",
             by_port(snapshot, [](const auto& port) { return uint64_t{port.link_up}; }));
  out.gauges("port_in_service", "1, or 0 while its device is gone or could not be reset.",
             by_port(snapshot, [](const auto& port) { return uint64_t{port.out_of_service.empty()}; }));
  out.counters("port_resets_total", "Times that the port's device asked to be reset.",
               by_port(snapshot, [](const auto& port) { return port.resets; }));
  out.counters("port_removals_total", "Times that the port's device was removed.",
               by_port(snapshot, [](const auto& port) { return port.removals; }));
  out.gauges("port_speed_bits_per_second", "Egress line rate of the port, in bits per second.",
             by_port(snapshot, [](const auto& port) { return port.speed_bits_per_second; }));
  Series unclaimed;
  for (const auto& port : snapshot.ports) {
    for (const auto& [reason, packets] : port.unclaimed) {
      unclaimed.push_back(sample({{"port", port.name}, {"reason", reason}}, packets));
    }
  }
  out.counters("port_unclaimed_packets_total", "Packets received that no slice's flowspace has, by reason.",
               std::move(unclaimed));
}

void write_appliance(const Snapshot& snapshot, FamilyWriter& out) {
  out.counters("worker_busy_seconds_total", "Seconds that the worker spent on visits that had work.",
               by_worker(snapshot, [](const auto& worker) { return worker.busy_seconds; }));
  out.counters("worker_idle_seconds_total", "Seconds that the worker found nothing to do.",
               by_worker(snapshot, [](const auto& worker) { return worker.idle_seconds; }));
  out.counters("worker_overhead_seconds_total",
               "Seconds, of the busy ones, that were charged to no slice: the worker's own work.",
               by_worker(snapshot, [](const auto& worker) { return worker.overhead_seconds; }));
  out.counters(
      "worker_stolen_seconds_total",
      "Seconds in which the kernel or the hypervisor had taken the worker's core; charged to no slice.",
      by_worker(snapshot, [](const auto& worker) { return worker.stolen_seconds; }));
  out.gauges("config_generation", "Number of configurations applied since the start.",
             {sample({}, snapshot.config_generation)});
  const std::chrono::duration<double> last_apply = snapshot.last_apply.time_since_epoch();
  out.gauges("config_last_apply_timestamp_seconds",
             "When a configuration was last applied, in seconds since 1970-01-01 UTC.",
             {sample({}, last_apply.count())});
  out.gauges("build_info", "Always 1; the label carries the version.",
             {sample({{"version", snapshot.version}}, uint64_t{1})});
}

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

/// Takes the text up to the separator off the front of `rest`.
std::string_view next_item(std::string_view& rest, char separator) {
  const std::size_t end = std::min(rest.find(separator), rest.size());
  const std::string_view item = trimmed(rest.substr(0, end));
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return item;
}

/// The highest weight that an Accept header gives to one of `types`; 0 where it names none of them. A weight
/// that is not a number from 0 to 1 counts as 1, like a missing one.
double accept_quality(std::string_view accept, std::initializer_list<std::string_view> types) {
  double best = 0;
  while (!accept.empty()) {
    std::string_view range = next_item(accept, ',');
    if (std::ranges::find(types, next_item(range, ';')) == types.end()) continue;
    double quality = 1;
    while (!range.empty()) {
      const std::string_view parameter = next_item(range, ';');
      if (!parameter.starts_with("q=")) continue;
      double weight = 0;
      const auto [end, error] =
          std::from_chars(parameter.data() + 2, parameter.data() + parameter.size(), weight);
      if (error == std::errc{} && weight >= 0 && weight <= 1) quality = weight;
    }
    best = std::max(best, quality);
  }
  return best;
}

}  // namespace

MetricsFormat negotiate_metrics(std::string_view accept) {
  const double openmetrics = accept_quality(accept, {"application/openmetrics-text"});
  const double plain = accept_quality(accept, {"text/plain", "text/*", "*/*"});
  return openmetrics > 0 && openmetrics >= plain ? MetricsFormat::openmetrics : MetricsFormat::prometheus;
}

std::string_view metrics_content_type(MetricsFormat format) {
  return format == MetricsFormat::openmetrics ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
                                              : "text/plain; version=0.0.4; charset=utf-8";
}

std::string metrics_text(const Snapshot& snapshot, MetricsFormat format) {
  FamilyWriter out(format);
  write_slice_traffic(snapshot, out);
  write_drops(snapshot, out);
  write_slice_state(snapshot, out);
  write_slice_policy(snapshot, out);
  write_ports(snapshot, out);
  write_appliance(snapshot, out);
  return std::move(out).finish();
}

}  // namespace bulkhead
