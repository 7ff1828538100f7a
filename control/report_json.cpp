// SPDX-License-Identifier: Apache-2.0
#include <nlohmann/json.hpp>

#include "control/config_units.hpp"
#include "control/lookup_cost.hpp"
#include "control/match_text.hpp"
#include "control/report.hpp"

namespace bulkhead {
namespace {

using Json = nlohmann::ordered_json;  // keys in the order in which a reader wants them

template <class T>
Json count_or_null(const std::optional<T>& quantity) {
  return quantity ? Json(quantity->count()) : Json(nullptr);
}

template <class T>
Json value_or_null(const std::optional<T>& value) {
  return value ? Json(*value) : Json(nullptr);
}

double percent(uint32_t hundredths) { return hundredths / 100.0; }

Json port_names(const Config& config, const std::vector<PortId>& ports) {
  Json out = Json::array();
  for (const PortId port : ports) out.push_back(config.ports[port.value()].name);
  return out;
}

Json flowspaces_json(const Config& config, const SliceConfig& slice) {
  Json out = Json::array();
  for (const FlowspaceConfig& flowspace : slice.flowspaces)
    out.push_back({{"line", flowspace.at.line},
                   {"ports", port_names(config, flowspace.ports)},
                   {"match", match_text(flowspace.matches.front())}});
  return out;
}

Json shares_json(const Config& config, const SliceConfig& slice, const Resources& resources) {
  Json out = Json::array();
  for (const PortShare& share : port_shares(config, slice, resources.port_speeds))
    out.push_back({{"port", config.ports[share.port.value()].name},
                   {"guarantee_bits_per_second", share.guarantee.count()},
                   {"ceiling_bits_per_second", count_or_null(share.ceiling)},
                   {"weight", share.weight},
                   {"burst_bytes", count_or_null(share.burst)}});
  return out;
}

Json classes_json(const SliceConfig& slice) {
  Json out = Json::array();
  for (const ClassConfig& served : classes_of(slice))
    out.push_back({{"pcps", served.pcps},
                   {"strict", served.strict},
                   {"weight", value_or_null(served.weight)},
                   {"guarantee_bits_per_second", served.guarantee.value_or(BitsPerSecond{0}).count()},
                   {"ceiling_bits_per_second", count_or_null(served.ceiling)},
                   {"queue_bytes", count_or_null(served.queue_bytes)},
                   {"queue_packets", value_or_null(served.queue_packets)}});
  return out;
}

Json slice_json(const Config& config, const SliceConfig& slice, uint64_t packets,
                const Resources& resources) {
  Json out = {{"name", slice.name},
              {"line", slice.at.line},
              {"forward", forward_name(slice.forward)},
              {"precedence", slice.precedence},
              {"vnet", slice.vnet ? Json(format_vnet(*slice.vnet)) : Json(nullptr)},
              {"rules", rule_count(slice)},
              {"flowspaces", flowspaces_json(config, slice)},
              {"ports", shares_json(config, slice, resources)},
              {"default_pcp", slice.priority.default_pcp},
              {"pcp_from_dscp", slice.priority.from_dscp},
              {"max_pcp", slice.priority.max},
              {"classes", classes_json(slice)},
              {"cpu_reserve_percent", percent(slice.cpu.reserve)},
              {"cpu_weight", slice.cpu.weight},
              {"cpu_cap_percent", slice.cpu.cap ? Json(percent(*slice.cpu.cap)) : Json(nullptr)},
              {"memory_packets", packets}};
  if (slice.forward == SliceConfig::Forward::learning_switch) {
    out["max_addresses"] = slice.max_addresses;
    out["ageing_seconds"] = std::chrono::duration<double>(slice.ageing).count();
  }
  return out;
}

Json ports_json(const Config& config, const Resources& resources) {
  constexpr const char* kRules[] = {"auto", "hardware", "software"};
  Json out = Json::array();
  for (std::size_t i = 0; i < config.ports.size(); ++i) {
    const PortConfig& port = config.ports[i];
    const auto speed = port_speed(config, PortId{static_cast<uint16_t>(i)}, resources.port_speeds);
    out.push_back({{"name", port.name},
                   {"device", port.device},
                   {"speed_bits_per_second", count_or_null(speed)},
                   {"flow_rules", kRules[static_cast<std::size_t>(port.flow_rules)]}});
  }
  return out;
}

}  // namespace

std::string report_json(const Config& config, const Resources& resources) {
  const ApplianceConfig& appliance = config.appliance;
  Json slices = Json::array();
  const auto packets = memory_packets(config, resources.memory_of(config), resources.workers_of(config));
  for (std::size_t i = 0; i < config.slices.size(); ++i)
    slices.push_back(slice_json(config, config.slices[i], packets[i], resources));
  const Json out = {{"file", config.file},
                    {"appliance",
                     {{"workers", value_or_null(resources.workers_of(config))},
                      {"cores", value_or_null(appliance.cores)},
                      {"memory_bytes", appliance.memory.count()},
                      {"memory_packets", resources.memory_of(config).packets},
                      {"idle", appliance.idle == ApplianceConfig::Idle::nap ? "nap" : "poll"}}},
                    {"ports", ports_json(config, resources)},
                    {"lookup_entries_compared_max", lookup_cost(config).entries},
                    {"slices", std::move(slices)}};
  // A file name may hold any bytes; the library would throw for what is not UTF-8.
  return out.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace bulkhead
