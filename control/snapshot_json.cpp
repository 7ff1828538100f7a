// SPDX-License-Identifier: Apache-2.0
#include "control/snapshot_json.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>

namespace bulkhead {
namespace {

using Json = nlohmann::ordered_json;

/// JSON has no infinities, and the library would write null for one.
double number(double value) { return std::isfinite(value) ? value : 0; }

double unix_seconds(std::chrono::system_clock::time_point time) {
  return std::chrono::duration<double>(time.time_since_epoch()).count();
}

void add_traffic(Json& json, const std::string& direction, const Snapshot::Traffic& traffic) {
  json[direction + "_packets"] = traffic.packets;
  json[direction + "_bytes"] = traffic.bytes;
  json[direction + "_packets_per_second"] = number(traffic.packets_per_second);
  json[direction + "_bits_per_second"] = number(traffic.bits_per_second);
}

Snapshot::Traffic& operator+=(Snapshot::Traffic& sum, const Snapshot::Traffic& part) {
  sum.packets += part.packets;
  sum.bytes += part.bytes;
  sum.packets_per_second += part.packets_per_second;
  sum.bits_per_second += part.bits_per_second;
  return sum;
}

Snapshot::Traffic transmitted_by(const Snapshot::SlicePort& port) {
  Snapshot::Traffic sum;
  for (const auto& part : port.transmitted) sum += part;
  return sum;
}

uint64_t queued_at(const Snapshot::SlicePort& port) {
  return std::accumulate(port.queued_packets.begin(), port.queued_packets.end(), uint64_t{0});
}

Json counts_by_reason(const std::vector<std::pair<std::string, uint64_t>>& counts) {
  Json json = Json::object();
  for (const auto& [reason, packets] : counts) json[reason] = packets;
  return json;
}

Json rules_of(const Snapshot::SlicePort& port) {
  return {{"hardware", port.rules_hardware}, {"mark", port.rules_mark}, {"software", port.rules_software}};
}

Json steering_of(const Snapshot::Steering& steering) {
  Json json = {{"where", steering.where}};
  if (steering.queue) json["queue"] = *steering.queue;
  if (!steering.class_queues.empty()) json["class_queues"] = steering.class_queues;
  if (!steering.why_not_hardware.empty()) json["why_not_hardware"] = steering.why_not_hardware;
  if (!steering.left_out.empty()) json["by_shared_queue"] = steering.left_out;
  json["testpmd"] = steering.rules;
  if (!steering.suspects.empty()) json["suspect_testpmd"] = steering.suspects;
  return json;
}

Json to_json(const Snapshot::SlicePort& port) {
  Json json;
  json["port"] = port.port;
  add_traffic(json, "rx", port.received);
  json["rx_own_queue_packets"] = port.received_by_own_queue;
  add_traffic(json, "tx", transmitted_by(port));
  json["queued_packets"] = queued_at(port);
  json["isolation_violation_packets"] = port.isolation_violations;
  json["guarantee_bits_per_second"] = port.guarantee_bits_per_second;
  json["ceiling_bits_per_second"] = port.ceiling_bits_per_second;
  json["rules"] = rules_of(port);
  json["priorities"] = Json::array();
  for (std::size_t pcp = 0; pcp < port.transmitted.size(); ++pcp) {
    Json priority;
    priority["pcp"] = pcp;
    add_traffic(priority, "tx", port.transmitted[pcp]);
    priority["queued_packets"] = port.queued_packets[pcp];
    json["priorities"].push_back(std::move(priority));
  }
  return json;
}

/// `packets[i]` stayed at most `up_to_seconds[i]` and longer than the bound before; the last one, which has
/// no bound, stayed longer than all.
Json residence_of(const std::array<uint64_t, kResidenceBuckets>& packets) {
  Json bounds = Json::array();
  for (std::size_t i = 0; i + 1 < packets.size(); ++i) {
    bounds.push_back(static_cast<double>(uint64_t{1} << i) / 1e6);
  }
  return {{"up_to_seconds", std::move(bounds)},
          {"packets", packets},
          {"packets_sum", std::accumulate(packets.begin(), packets.end(), uint64_t{0})}};
}

/// By class, in the order of the file.
Json class_residence_of(const Snapshot::Slice& slice) {
  Json classes = Json::array();
  for (const auto& packets : slice.class_residence)
    classes.push_back({{"class", classes.size()}, {"residence", residence_of(packets)}});
  return classes;
}

Json to_json(const Snapshot::Slice& slice) {
  Snapshot::Traffic received;
  Snapshot::Traffic transmitted;
  uint64_t queued = 0;
  uint64_t violations = 0;
  Json ports = Json::array();
  for (const auto& port : slice.ports) {
    received += port.received;
    transmitted += transmitted_by(port);
    queued += queued_at(port);
    violations += port.isolation_violations;
    ports.push_back(to_json(port));
  }
  Json json;
  json["name"] = slice.name;
  json["forward"] = slice.forward;
  add_traffic(json, "rx", received);
  add_traffic(json, "tx", transmitted);
  json["dropped_packets"] = counts_by_reason(slice.dropped);
  json["isolation_violation_packets"] = violations;
  json["replicated_packets"] = slice.replicated_packets;
  json["input_queued_packets"] = slice.input_queued_packets;
  json["queued_packets"] = queued;
  json["memory_packets"] = slice.memory_packets;
  json["memory_quota_packets"] = slice.memory_quota_packets;
  json["learned_addresses"] = slice.learned_addresses;
  json["unlearned_addresses"] = slice.unlearned_addresses;
  json["cpu_seconds"] = number(slice.cpu_seconds);
  json["cpu_throttled_seconds"] = number(slice.cpu_throttled_seconds);
  json["cpu_percent"] = number(slice.cpu_percent);
  json["cpu_throttled_percent"] = number(slice.cpu_throttled_percent);
  json["cpu_reserve_percent"] = number(slice.cpu_reserve_percent);
  json["cpu_weight"] = slice.cpu_weight;
  json["cpu_cap_percent"] = slice.cpu_cap_percent ? Json(number(*slice.cpu_cap_percent)) : Json(nullptr);
  json["worker"] = slice.worker ? Json(*slice.worker) : Json(nullptr);
  json["residence"] = residence_of(slice.residence_buckets);
  json["residence"]["seconds_sum"] = number(slice.residence_sum_seconds);
  json["classes"] = class_residence_of(slice);
  json["ports"] = std::move(ports);
  return json;
}

Json to_json(const Snapshot::Port& port) {
  Json json;
  json["name"] = port.name;
  json["device"] = port.device;
  json["driver"] = port.driver;
  json["link_up"] = port.link_up;
  json["out_of_service"] = port.out_of_service;
  json["resets"] = port.resets;
  json["removals"] = port.removals;
  json["speed_bits_per_second"] = port.speed_bits_per_second;
  json["mtu_bytes"] = port.mtu;
  add_traffic(json, "rx", port.received);
  add_traffic(json, "tx", port.transmitted);
  json["missed_packets"] = port.missed_packets;
  json["tx_failed_packets"] = port.transmit_failed_packets;
  json["unclaimed_packets"] = counts_by_reason(port.unclaimed);
  return json;
}

Json to_json(const Snapshot::Worker& worker) {
  return {{"core", worker.core},
          {"busy_seconds", number(worker.busy_seconds)},
          {"idle_seconds", number(worker.idle_seconds)},
          {"overhead_seconds", number(worker.overhead_seconds)},
          {"stolen_seconds", number(worker.stolen_seconds)}};
}

template <class Item>
Json array_of(const std::vector<Item>& items) {
  Json json = Json::array();
  for (const auto& item : items) json.push_back(to_json(item));
  return json;
}

/// Bytes that are not UTF-8 (a device's name is free text) become U+FFFD instead of an exception.
std::string text(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

}  // namespace

std::string slices_json(const Snapshot& snapshot) {
  return text({{"taken_unix_seconds", unix_seconds(snapshot.taken)}, {"slices", array_of(snapshot.slices)}});
}

std::optional<std::string> slice_json(const Snapshot& snapshot, std::string_view name) {
  const auto found = std::ranges::find(snapshot.slices, name, &Snapshot::Slice::name);
  if (found == snapshot.slices.end()) return std::nullopt;
  return text(to_json(*found));
}

std::string ports_json(const Snapshot& snapshot) {
  return text({{"taken_unix_seconds", unix_seconds(snapshot.taken)}, {"ports", array_of(snapshot.ports)}});
}

std::string rules_json(const Snapshot& snapshot) {
  Json rules = Json::array();
  for (const auto& slice : snapshot.slices) {
    for (const auto& port : slice.ports) {
      Json rule = {{"slice", slice.name}, {"port", port.port}};
      rule.update(rules_of(port));
      if (port.steering) rule.update(steering_of(*port.steering));
      rules.push_back(std::move(rule));
    }
  }
  return text({{"taken_unix_seconds", unix_seconds(snapshot.taken)}, {"rules", std::move(rules)}});
}

std::string snapshot_json(const Snapshot& snapshot) {
  return text({{"taken_unix_seconds", unix_seconds(snapshot.taken)},
               {"version", snapshot.version},
               {"ready", snapshot.ready},
               {"config_generation", snapshot.config_generation},
               {"slices", array_of(snapshot.slices)},
               {"ports", array_of(snapshot.ports)},
               {"workers", array_of(snapshot.workers)}});
}

std::string error_json(std::string_view message) { return text({{"error", message}}); }

}  // namespace bulkhead
