// SPDX-License-Identifier: Apache-2.0
// [[slice]] and its tables but for flowspaces, bandwidth and classes, which have files of their own.
#include <limits>

#include "control/config_sections.hpp"
#include "shaper/cpu_share.hpp"

namespace bulkhead {
namespace {

using namespace std::chrono_literals;

constexpr int64_t kMostCpuWeight = CpuShare::kMostWeight;
constexpr int64_t kMostSlicePackets = int64_t{1} << 30;
constexpr int64_t kMostAddresses = 1 << 20;
constexpr std::chrono::nanoseconds kLeastAgeing = 1ms;

Parsed<uint32_t> parse_hex32(std::string_view text) {
  if (text.empty() || text.size() > 8) return std::unexpected("");
  return parse_number("0x" + std::string(text), std::numeric_limits<uint32_t>::max());
}

Parsed<SliceConfig::Vnet> parse_vnet(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon != text.npos) {
    const auto organisation = parse_hex32(text.substr(0, colon));
    const auto link = parse_hex32(text.substr(colon + 1));
    if (organisation && link) return SliceConfig::Vnet{*organisation, *link};
  }
  return std::unexpected(
      "is not an organisation and a link; write two 32-bit hexadecimal numbers, for example "
      "\"0a1b2c3d:00000001\"");
}

PriorityConfig read_priority(const TomlNode& node, FaultList& faults) {
  TableReader table(node, "[slice.priority]", faults);
  PriorityConfig out;
  out.at = table.at();
  out.default_pcp = static_cast<uint8_t>(table.integer("default", 0, 7).value_or(0));
  out.from_dscp = table.boolean("from_dscp").value_or(false);
  out.max = static_cast<uint8_t>(table.integer("max", 0, 7).value_or(7));
  if (out.default_pcp > out.max)
    table.fault_at_key("default", std::to_string(out.default_pcp) + " is above max, which is " +
                                      std::to_string(out.max) + "; write at most that, or raise max");
  table.refuse_unknown();
  return out;
}

CpuConfig read_cpu(const TomlNode& node, FaultList& faults) {
  TableReader table(node, "[slice.cpu]", faults);
  CpuConfig out;
  out.at = table.at();
  out.reserve = table.parsed("reserve", "reserve = \"30%\"", parse_percent).value_or(0);
  if (const auto weight = table.integer("weight", 1, kMostCpuWeight))
    out.weight = static_cast<uint32_t>(*weight);
  out.cap = table.parsed("cap", "cap = \"80%\"", parse_percent);
  if (out.cap == 0u)
    table.fault_at_key("cap", "is zero, so that the slice could never run; leave it out for no cap");
  else if (out.cap && out.reserve > *out.cap)
    table.fault_at_key("reserve", format_percent(out.reserve) + " is above the cap of " +
                                      format_percent(*out.cap) + "; lower the reserve or raise the cap");
  table.refuse_unknown();
  return out;
}

std::optional<uint32_t> read_memory(const TomlNode& node, FaultList& faults) {
  TableReader table(node, "[slice.memory]", faults);
  std::optional<uint32_t> out;
  if (const auto packets = table.integer("packets", 1, kMostSlicePackets))
    out = static_cast<uint32_t>(*packets);
  table.refuse_unknown();
  return out;
}

void read_switch(const TomlNode& node, SliceConfig& slice, FaultList& faults) {
  TableReader table(node, "[slice.switch]", faults);
  if (const auto most = table.integer("max_addresses", 1, kMostAddresses))
    slice.max_addresses = static_cast<uint32_t>(*most);
  if (const auto ageing = table.parsed("ageing", "ageing = \"300s\"", parse_time)) {
    slice.ageing = *ageing;
    if (*ageing < kLeastAgeing) table.fault_at_key("ageing", "is too short; write at least \"1ms\"");
  }
  if (slice.forward != SliceConfig::Forward::learning_switch)
    table.fault_at(
        table.at(),
        "[slice.switch] is given for a slice that does not switch; leave it out, or write forward = "
        "\"switch\"");
  table.refuse_unknown();
}

void read_flowspaces(TableReader& table, const PortNames& ports, SliceConfig& slice) {
  bool readable = true;
  const auto nodes = table.tables("flowspace", "slice.flowspace");
  for (const TomlNode& node : nodes) {
    slice.flowspaces.push_back(read_flowspace(node, ports, table.faults()));
    readable &= !slice.flowspaces.back().ports.empty();
  }
  if (table.is_empty("flowspace"))
    table.fault_at(table.at(),
                   (slice.name.empty() ? "the slice" : "slice " + in_quotes(slice.name)) +
                       " has no flowspace; add a [[slice.flowspace]] that says which packets are its own");
  // Where an entry's ports could not be read, the number of ports is not known, and has its fault already.
  if (slice.forward != SliceConfig::Forward::wire || nodes.empty() || !readable) return;
  if (const std::size_t count = slice.ports().size(); count != 2)
    table.fault_at(table.at(),
                   "slice " + in_quotes(slice.name) + " is a wire with " + std::to_string(count) +
                       (count == 1 ? " port" : " ports") +
                       "; name exactly two ports in its flowspaces, or write forward = \"switch\"");
}

}  // namespace

SliceConfig read_slice(const TomlNode& node, const PortNames& ports, FaultList& faults) {
  TableReader table(node, "[[slice]]", faults);
  SliceConfig out;
  out.at = table.at();
  out.name = read_name(table, "name = \"lab-a\"");
  out.vnet = table.parsed("vnet", "vnet = \"0a1b2c3d:00000001\"", parse_vnet);
  using Limits = std::numeric_limits<int32_t>;
  out.precedence =
      static_cast<int32_t>(table.integer("precedence", Limits::min(), Limits::max()).value_or(0));
  if (table.word("forward", {"wire", "switch"}) == 0u) out.forward = SliceConfig::Forward::wire;
  read_flowspaces(table, ports, out);
  if (const auto* section = table.table("bandwidth", "slice.bandwidth"))
    read_bandwidth(*section, ports, out, faults);
  if (const auto* section = table.table("priority", "slice.priority"))
    out.priority = read_priority(*section, faults);
  out.classes = read_classes(table.tables("class", "slice.class"), faults);
  if (const auto* section = table.table("cpu", "slice.cpu")) out.cpu = read_cpu(*section, faults);
  if (const auto* section = table.table("memory", "slice.memory"))
    out.memory_packets = read_memory(*section, faults);
  if (const auto* section = table.table("switch", "slice.switch")) read_switch(*section, out, faults);
  table.refuse_unknown();
  return out;
}

}  // namespace bulkhead
