// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "control/config_units.hpp"
#include "control/lookup_cost.hpp"
#include "control/match_text.hpp"
#include "control/report.hpp"

namespace bulkhead {
namespace {

constexpr std::size_t kMostFlowspacesShown = 16;  // of one slice; the JSON has them all

using Row = std::vector<std::string>;

/// Rows as columns, each as wide as its widest cell, two spaces between; every line behind `indent`.
std::string aligned(const std::vector<Row>& rows, std::string_view indent) {
  std::vector<std::size_t> widths;
  for (const Row& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string out;
  for (const Row& row : rows) {
    out += indent;
    for (std::size_t i = 0; i < row.size(); ++i) {
      out += row[i];
      if (i + 1 < row.size()) out.append(widths[i] - row[i].size() + 2, ' ');
    }
    out += '\n';
  }
  return out;
}

std::string counted(std::size_t count, const std::string& what) {
  return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

template <class Numbers>
std::string joined(const Numbers& numbers) {
  std::string out;
  for (const auto number : numbers) out += (out.empty() ? "" : ",") + std::to_string(number);
  return out;
}

std::string rate_or_line_rate(const std::optional<BitsPerSecond>& rate) {
  return rate ? format_rate(*rate) : "the port's speed";
}

std::string appliance_text(const Config& config, const Resources& resources) {
  const ApplianceConfig& appliance = config.appliance;
  const auto workers = resources.workers_of(config);
  std::string out = "appliance: ";
  if (workers) out += counted(*workers, "worker") + (appliance.cores ? "" : " on the last cores") + ", ";
  if (appliance.cores) out += "cores " + joined(*appliance.cores) + ", ";
  out += "memory " + format_size(appliance.memory) + " (" +
         std::to_string(resources.memory_of(config).packets) + " packets), idle " +
         (appliance.idle == ApplianceConfig::Idle::nap ? "nap" : "poll") + "\n";
  return out;
}

std::string ports_text(const Config& config, const Resources& resources) {
  constexpr const char* kRules[] = {"auto", "hardware", "software"};
  std::vector<Row> rows = {{"port", "device", "speed", "flow rules"}};
  for (std::size_t i = 0; i < config.ports.size(); ++i) {
    const auto speed = port_speed(config, PortId{static_cast<uint16_t>(i)}, resources.port_speeds);
    rows.push_back({config.ports[i].name, config.ports[i].device,
                    speed ? format_rate(*speed) : "the device's",
                    kRules[static_cast<std::size_t>(config.ports[i].flow_rules)]});
  }
  return aligned(rows, "");
}

std::string lookup_text(const Config& config) {
  const std::size_t entries = lookup_cost(config).entries;
  if (entries == 0) return "lookup: a frame's outermost tag decides whose it is\n";
  return "lookup: a frame is compared with at most " +
         (entries == 1 ? "1 entry" : std::to_string(entries) + " entries") + "\n";
}

std::string flowspaces_text(const Config& config, const SliceConfig& slice) {
  std::vector<Row> rows;
  for (const FlowspaceConfig& flowspace : slice.flowspaces) {
    if (rows.size() == kMostFlowspacesShown) {
      rows.push_back({"and " + std::to_string(slice.flowspaces.size() - rows.size()) + " more"});
      break;
    }
    std::string ports;
    for (const PortId port : flowspace.ports)
      ports += (ports.empty() ? "" : ",") + config.ports[port.value()].name;
    rows.push_back({"flowspace, line " + std::to_string(flowspace.at.line), ports,
                    match_text(flowspace.matches.front())});
  }
  return aligned(rows, "  ");
}

std::string shares_text(const Config& config, const SliceConfig& slice, const Resources& resources) {
  std::vector<Row> rows = {{"port", "guarantee", "ceiling", "weight", "burst"}};
  for (const PortShare& share : port_shares(config, slice, resources.port_speeds))
    rows.push_back({config.ports[share.port.value()].name, format_rate(share.guarantee),
                    rate_or_line_rate(share.ceiling), std::to_string(share.weight),
                    share.burst ? format_size(*share.burst) : "2 ms at the port's speed"});
  return aligned(rows, "  ");
}

std::string classes_text(const SliceConfig& slice) {
  if (slice.classes.empty()) {
    std::string order;
    for (const ClassConfig& served : classes_of(slice)) order += " " + joined(served.pcps);
    return "  classes: one for each pcp, served strictly in the order" + order + "\n";
  }
  std::vector<Row> rows = {{"class", "served", "guarantee", "ceiling", "queue"}};
  for (const ClassConfig& served : classes_of(slice)) {
    std::string queue = "default";
    if (served.queue_bytes) queue = format_size(*served.queue_bytes);
    if (served.queue_packets) queue = counted(*served.queue_packets, "packet");
    rows.push_back({"pcp " + joined(served.pcps),
                    served.strict ? "strictly first" : "weight " + std::to_string(served.weight.value_or(0)),
                    format_rate(served.guarantee.value_or(BitsPerSecond{0})),
                    served.ceiling ? format_rate(*served.ceiling) : "the slice's", queue});
  }
  return aligned(rows, "  ");
}

std::string slice_text(const Config& config, const SliceConfig& slice, uint64_t packets,
                       const Resources& resources) {
  std::string out = "\nslice " + slice.name + ": " + forward_name(slice.forward) + ", precedence " +
                    std::to_string(slice.precedence) + ", " + counted(rule_count(slice), "rule");
  if (slice.vnet) out += ", vnet " + format_vnet(*slice.vnet);
  out += "\n" + flowspaces_text(config, slice) + shares_text(config, slice, resources) + classes_text(slice);
  out += "  priority: pcp " + std::to_string(slice.priority.default_pcp) +
         (slice.priority.from_dscp ? " or from DSCP" : "") + " for untagged frames, at most pcp " +
         std::to_string(slice.priority.max) + "\n";
  out += "  cpu: reserve " + format_percent(slice.cpu.reserve) + ", weight " +
         std::to_string(slice.cpu.weight) + ", " +
         (slice.cpu.cap ? "cap " + format_percent(*slice.cpu.cap) : "no cap") + "\n";
  out += "  memory: " + std::to_string(packets) + " packets\n";
  return out;
}

}  // namespace

std::string report_text(const Config& config, const Resources& resources) {
  std::size_t rules = 0;
  for (const SliceConfig& slice : config.slices) rules += rule_count(slice);
  std::string out = config.file + ": " + counted(config.ports.size(), "port") + ", " +
                    counted(config.slices.size(), "slice") + ", " + counted(rules, "rule") +
                    ": slices are isolated, guarantees fit\n\n";
  out +=
      appliance_text(config, resources) + "\n" + ports_text(config, resources) + "\n" + lookup_text(config);
  const auto packets = memory_packets(config, resources.memory_of(config), resources.workers_of(config));
  for (std::size_t i = 0; i < config.slices.size(); ++i)
    out += slice_text(config, config.slices[i], packets[i], resources);
  return out;
}

}  // namespace bulkhead
