// SPDX-License-Identifier: Apache-2.0
#include "control/plan_details.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "control/config_units.hpp"
#include "control/entitlement.hpp"
#include "control/kept.hpp"
#include "control/match_text.hpp"

namespace bulkhead {
namespace {

constexpr std::size_t kMostEntriesShown = 8;  // of a slice's flowspace, added or removed

using Details = std::vector<std::string>;

void add_difference(Details& details, std::string_view what, const std::string& before,
                    const std::string& after) {
  if (before != after) details.push_back(fmt::format("{} {} -> {}", what, before, after));
}

std::string speed_text(const std::optional<BitsPerSecond>& speed) {
  return speed ? format_rate(*speed) : "the device's";
}

std::string rate_or_line_rate(const std::optional<BitsPerSecond>& rate) {
  return rate ? format_rate(*rate) : "the port's speed";
}

std::string burst_text(const std::optional<Bytes>& burst) {
  return burst ? format_size(*burst) : "2 ms at the port's speed";
}

std::string flow_rules_text(PortConfig::FlowRules rules) {
  constexpr const char* kNames[] = {"auto", "hardware", "software"};
  return kNames[static_cast<std::size_t>(rules)];
}

std::string cap_text(const CpuConfig& cpu) { return cpu.cap ? format_percent(*cpu.cap) : "none"; }

std::string memory_text(const SliceConfig& slice) {
  return slice.memory_packets ? fmt::format("{} packets", *slice.memory_packets) : "an equal part";
}

std::string vnet_text(const SliceConfig& slice) { return slice.vnet ? format_vnet(*slice.vnet) : "none"; }

void add_share_differences(Details& details, const std::string& port, const PortShare& before,
                           const PortShare& after) {
  const auto at_port = [&](const char* what) { return fmt::format("at {} {}", port, what); };
  add_difference(details, at_port("guarantee"), format_rate(before.guarantee), format_rate(after.guarantee));
  add_difference(details, at_port("ceiling"), rate_or_line_rate(before.ceiling),
                 rate_or_line_rate(after.ceiling));
  add_difference(details, at_port("weight"), std::to_string(before.weight), std::to_string(after.weight));
  add_difference(details, at_port("burst"), burst_text(before.burst), burst_text(after.burst));
}

/// The slice's entries, sorted, each as "uplink vlan 100". A port has the name that `next` gives its device,
/// so that a new name is no difference.
Details entries_of(const SliceIn& in, const Config& next) {
  Details entries;
  for (const FlowspaceConfig& flowspace : in.slice.flowspaces)
    for (std::size_t i = 0; i < flowspace.ports.size(); ++i) {
      const PortConfig& port = in.config.ports[flowspace.ports[i].value()];
      const auto same = kept_port(next, port);
      entries.push_back((same ? next.ports[*same] : port).name + " " + match_text(flowspace.matches[i]));
    }
  std::ranges::sort(entries);
  return entries;
}

void add_entries(Details& details, std::string_view what, const Details& entries) {
  for (std::size_t i = 0; i < std::min(entries.size(), kMostEntriesShown); ++i)
    details.push_back(fmt::format("{} {}", what, entries[i]));
  if (entries.size() > kMostEntriesShown)
    details.push_back(fmt::format("{} {} more", what, entries.size() - kMostEntriesShown));
}

void add_entry_differences(Details& details, const SliceIn& running, const SliceIn& next) {
  const Details before = entries_of(running, next.config);
  const Details after = entries_of(next, next.config);
  Details gone;
  Details come;
  std::ranges::set_difference(before, after, std::back_inserter(gone));
  std::ranges::set_difference(after, before, std::back_inserter(come));
  add_entries(details, "without", gone);
  add_entries(details, "with", come);
}

}  // namespace

std::vector<std::string> port_details(const PortConfig& running, const PortConfig& next) {
  Details details;
  add_difference(details, "name", running.name, next.name);
  add_difference(details, "device", running.device, next.device);
  add_difference(details, "speed", speed_text(running.speed), speed_text(next.speed));
  add_difference(details, "flow_rules", flow_rules_text(running.flow_rules),
                 flow_rules_text(next.flow_rules));
  return details;
}

std::vector<std::string> rate_details(const SliceIn& running, const SliceIn& next) {
  Details details;
  if (running.slice.ports() == next.slice.ports()) {
    const std::vector<PortShare> before = port_shares(running.config, running.slice, {});
    const std::vector<PortShare> after = port_shares(next.config, next.slice, {});
    for (std::size_t i = 0; i < after.size(); ++i)
      add_share_differences(details, next.config.ports[after[i].port.value()].name, before[i], after[i]);
  }
  const CpuConfig& before = running.slice.cpu;
  const CpuConfig& after = next.slice.cpu;
  add_difference(details, "cpu reserve", format_percent(before.reserve), format_percent(after.reserve));
  add_difference(details, "cpu weight", std::to_string(before.weight), std::to_string(after.weight));
  add_difference(details, "cpu cap", cap_text(before), cap_text(after));
  return details;
}

std::vector<std::string> restart_details(const SliceIn& running, const SliceIn& next) {
  const SliceConfig& before = running.slice;
  const SliceConfig& after = next.slice;
  Details details;
  add_difference(details, "vnet", vnet_text(before), vnet_text(after));
  add_difference(details, "precedence", std::to_string(before.precedence), std::to_string(after.precedence));
  add_difference(details, "forward", forward_name(before.forward), forward_name(after.forward));
  add_entry_differences(details, running, next);
  if (before.priority != after.priority) details.emplace_back("other [slice.priority]");
  if (before.classes != after.classes) details.emplace_back("other classes");
  add_difference(details, "memory", memory_text(before), memory_text(after));
  add_difference(details, "max_addresses", std::to_string(before.max_addresses),
                 std::to_string(after.max_addresses));
  if (before.ageing != after.ageing) details.emplace_back("other ageing");
  return details;
}

}  // namespace bulkhead
