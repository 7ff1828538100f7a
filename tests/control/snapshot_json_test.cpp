// SPDX-License-Identifier: Apache-2.0
#include "control/snapshot_json.hpp"

#include <catch2/catch.hpp>
#include <limits>
#include <memory>
#include <nlohmann/json.hpp>

#include "tests/control/sample_snapshot.hpp"

using namespace bulkhead;
using Json = nlohmann::ordered_json;

namespace {

bool has_null(const Json& json) {
  if (json.is_null()) return true;
  if (!json.is_structured()) return false;
  return std::any_of(json.begin(), json.end(), has_null);
}

std::vector<std::string> keys(const Json& json) {
  std::vector<std::string> names;
  for (const auto& item : json.items()) names.push_back(item.key());
  return names;
}

}  // namespace

TEST_CASE("A slice is written with units in its names, sums over its ports, and a stable order") {
  const Snapshot snapshot = sample_snapshot();
  const Json list = Json::parse(slices_json(snapshot));
  CHECK(keys(list) == std::vector<std::string>{"taken_unix_seconds", "slices"});
  CHECK(list["taken_unix_seconds"] == 1'700'000'000.5);
  REQUIRE(list["slices"].size() == 2);
  const Json& slice = list["slices"][0];
  CHECK(keys(slice) == std::vector<std::string>{"name",
                                                "forward",
                                                "rx_packets",
                                                "rx_bytes",
                                                "rx_packets_per_second",
                                                "rx_bits_per_second",
                                                "tx_packets",
                                                "tx_bytes",
                                                "tx_packets_per_second",
                                                "tx_bits_per_second",
                                                "dropped_packets",
                                                "isolation_violation_packets",
                                                "replicated_packets",
                                                "input_queued_packets",
                                                "queued_packets",
                                                "memory_packets",
                                                "memory_quota_packets",
                                                "learned_addresses",
                                                "unlearned_addresses",
                                                "cpu_seconds",
                                                "cpu_throttled_seconds",
                                                "cpu_percent",
                                                "cpu_throttled_percent",
                                                "cpu_reserve_percent",
                                                "cpu_weight",
                                                "cpu_cap_percent",
                                                "worker",
                                                "residence",
                                                "classes",
                                                "ports"});
  CHECK(slice["name"] == "lab-a");
  CHECK(slice["rx_bits_per_second"] == 16'000);
  CHECK(slice["rx_packets_per_second"] == 21);
  CHECK(slice["tx_bits_per_second"] == 16'000);
  CHECK(slice["rx_packets"] ==
        snapshot.slices[0].ports[0].received.packets + snapshot.slices[0].ports[1].received.packets);
  CHECK(keys(slice["dropped_packets"]) == std::vector<std::string>{"malformed", "queue_full", "shutdown"});
  CHECK(slice["dropped_packets"]["malformed"] == 0);
  CHECK(slice["cpu_seconds"] == 1.5);
  CHECK(slice["cpu_percent"] == 42.5);
  CHECK(slice["cpu_throttled_percent"] == 7);
  CHECK(slice["cpu_reserve_percent"] == 30);
  CHECK(slice["cpu_weight"] == 512);
  CHECK(slice["cpu_cap_percent"] == 80);
  CHECK(slice["worker"] == 1);
  Snapshot unlimited = snapshot;
  unlimited.slices[0].cpu_cap_percent.reset();
  CHECK(Json::parse(snapshot_json(unlimited))["slices"][0]["cpu_cap_percent"].is_null());
  CHECK(slice["residence"]["packets_sum"] == 15);
  REQUIRE(slice["classes"].size() == 2);
  CHECK(slice["classes"][1]["class"] == 1);
  CHECK(slice["classes"][1]["residence"]["packets_sum"] == 6);
  CHECK(slice["residence"]["packets"].size() == kResidenceBuckets);
  CHECK(slice["residence"]["up_to_seconds"].size() == kResidenceBuckets - 1);
  CHECK(slice["residence"]["up_to_seconds"][0] == 1e-6);
}

TEST_CASE("A slice's port has its rates, its policy and its priorities") {
  const Snapshot snapshot = sample_snapshot();
  const Json port = Json::parse(slices_json(snapshot))["slices"][1]["ports"][1];
  CHECK(port["port"] == "north");
  CHECK(port["guarantee_bits_per_second"] == 2'000'000'000);
  CHECK(port["ceiling_bits_per_second"] == 5'000'000'000);
  CHECK(port["rules"] == Json({{"hardware", 1}, {"mark", 2}, {"software", 3}}));
  REQUIRE(port["priorities"].size() == 8);
  const auto& given = snapshot.slices[1].ports[1];
  CHECK(port["priorities"][6]["pcp"] == 6);
  CHECK(port["priorities"][6]["tx_packets"] == given.transmitted[6].packets);
  CHECK(port["priorities"][6]["queued_packets"] == given.queued_packets[6]);
  CHECK(port["isolation_violation_packets"] == given.isolation_violations);
}

TEST_CASE("One slice is asked for by its name") {
  const Snapshot snapshot = sample_snapshot();
  const auto voice = slice_json(snapshot, "voice");
  REQUIRE(voice);
  CHECK(Json::parse(*voice) == Json::parse(slices_json(snapshot))["slices"][1]);
  CHECK_FALSE(slice_json(snapshot, "Voice"));
  CHECK_FALSE(slice_json(snapshot, ""));
}

TEST_CASE("Ports, rules and events") {
  const Snapshot snapshot = sample_snapshot();
  const Json port = Json::parse(ports_json(snapshot))["ports"][1];
  CHECK(port["name"] == "north");
  CHECK(port["device"] == "net_af_packet0,iface=veth1");
  CHECK(port["speed_bits_per_second"] == 10'000'000'000);
  CHECK(port["mtu_bytes"] == 1500);
  CHECK(port["tx_bits_per_second"] == 160'000);
  CHECK(port["missed_packets"] == snapshot.ports[1].missed_packets);
  CHECK(port["tx_failed_packets"] == snapshot.ports[1].transmit_failed_packets);
  CHECK(port["unclaimed_packets"]["malformed"] == 0);
  CHECK(port["out_of_service"] == "removed");
  CHECK(port["resets"] == snapshot.ports[1].resets);
  CHECK(port["removals"] == snapshot.ports[1].removals);
  CHECK(Json::parse(ports_json(snapshot))["ports"][0]["out_of_service"] == "");

  const Json rules = Json::parse(rules_json(snapshot))["rules"];
  REQUIRE(rules.size() == 4);
  CHECK(rules[3].dump() == R"({"slice":"voice","port":"north","hardware":1,"mark":2,"software":3})");

  const std::string event = snapshot_json(snapshot);
  CHECK(event.find('\n') == std::string::npos);
  CHECK(keys(Json::parse(event)) == std::vector<std::string>{"taken_unix_seconds", "version", "ready",
                                                             "config_generation", "slices", "ports",
                                                             "workers"});
  CHECK(Json::parse(event)["workers"][1]["busy_seconds"] == 13.5);
  CHECK(Json::parse(event)["workers"][0]["overhead_seconds"] == 0.5);
  CHECK(Json::parse(event)["workers"][0]["stolen_seconds"] == 0.125);
}

TEST_CASE("How each slice is steered, and why not by hardware") {
  Snapshot snapshot = sample_snapshot();
  std::vector<Snapshot::SlicePort>& places = snapshot.slices[0].ports;
  places.resize(2);
  places[0].steering = std::make_shared<const Snapshot::Steering>(
      Snapshot::Steering{.where = "hardware",
                         .queue = 2,
                         .class_queues = {4, 3},
                         .why_not_hardware = "",
                         .left_out = "IP protocols without L4 ports",
                         .rules = {"flow create 0 ...", "flow create 0 ,,,"},
                         .suspects = {}});
  places[1].steering = std::make_shared<const Snapshot::Steering>(
      Snapshot::Steering{.where = "software",
                         .queue = {},
                         .class_queues = {},
                         .why_not_hardware = "1 packet of others came by its queue 1",
                         .left_out = "",
                         .rules = {},
                         .suspects = {"flow create 1 ..."}});
  const Json rules = Json::parse(rules_json(snapshot))["rules"];
  CHECK(rules[0]["where"] == "hardware");
  CHECK(rules[0]["queue"] == 2);
  CHECK(rules[0]["class_queues"] == Json({4, 3}));
  CHECK(rules[0]["by_shared_queue"] == "IP protocols without L4 ports");
  CHECK(rules[0]["testpmd"] == Json({"flow create 0 ...", "flow create 0 ,,,"}));
  for (const char* key : {"why_not_hardware", "suspect_testpmd"}) CHECK_FALSE(rules[0].contains(key));
  CHECK(rules[1]["where"] == "software");
  CHECK(rules[1]["why_not_hardware"] == "1 packet of others came by its queue 1");
  CHECK(rules[1]["testpmd"] == Json::array());
  CHECK(rules[1]["suspect_testpmd"] == Json({"flow create 1 ..."}));
  for (const char* key : {"queue", "class_queues", "by_shared_queue"}) CHECK_FALSE(rules[1].contains(key));
}

TEST_CASE("There is a number wherever one is meant, and text is always UTF-8") {
  Snapshot snapshot = sample_snapshot();
  snapshot.slices[0].cpu_seconds = std::numeric_limits<double>::quiet_NaN();
  snapshot.slices[0].residence_sum_seconds = std::numeric_limits<double>::infinity();
  snapshot.slices[0].ports[0].received.bits_per_second = std::numeric_limits<double>::infinity();
  snapshot.ports[0].device = "\xff\xfe";
  CHECK_FALSE(has_null(Json::parse(snapshot_json(snapshot))));
  CHECK(Json::parse(snapshot_json(snapshot))["slices"][0]["cpu_seconds"] == 0);
  CHECK_FALSE(has_null(Json::parse(snapshot_json(Snapshot{}))));
  CHECK(slices_json(Snapshot{}) == R"({"taken_unix_seconds":0.0,"slices":[]})");
  CHECK(error_json("no slice \"x\"") == R"({"error":"no slice \"x\""})");
}
