// SPDX-License-Identifier: Apache-2.0
// [slice.bandwidth], [slice.bandwidth.PORT] and [[slice.class]]: what a slice gets at its egress ports.
#include <algorithm>
#include <array>

#include "control/config_sections.hpp"
#include "control/entitlement.hpp"

namespace bulkhead {
namespace {

constexpr int64_t kMostWeight = 10'000;
constexpr uint32_t kMostQueuedPackets = 1'000'000;

std::optional<BitsPerSecond> read_rate(TableReader& table, std::string_view key, std::string_view example) {
  return table.parsed(key, example, parse_rate);
}

/// A ceiling, which is never zero: nothing could leave.
std::optional<BitsPerSecond> read_ceiling(TableReader& table) {
  const auto ceiling = read_rate(table, "ceiling", "ceiling = \"5Gbps\"");
  if (!ceiling || ceiling->count() > 0) return ceiling;
  table.fault_at_key("ceiling", "is zero, so that nothing could leave; write a rate above zero");
  return {};
}

std::string above_ceiling(BitsPerSecond guarantee, BitsPerSecond ceiling) {
  return format_rate(guarantee) + " is above the ceiling of " + format_rate(ceiling) +
         "; lower the guarantee or raise the ceiling";
}

std::string too_small(std::string_view value) {
  return std::string(value) + " is smaller than a frame; write at least " + format_size(kLargestFrameOnWire) +
         " (a frame of the MTU with its overhead on the wire)";
}

BandwidthConfig read_bandwidth_keys(TableReader& table) {
  BandwidthConfig out;
  out.at = table.at();
  out.guarantee = read_rate(table, "guarantee", "guarantee = \"2Gbps\"");
  out.ceiling = read_ceiling(table);
  if (const auto weight = table.integer("weight", 1, kMostWeight))
    out.weight = static_cast<uint32_t>(*weight);
  out.burst = table.parsed("burst", "burst = \"64KiB\"", parse_size);
  if (out.burst && *out.burst < kLargestFrameOnWire)
    table.fault_at_key("burst", too_small(format_size(*out.burst)));
  if (out.guarantee && out.ceiling && *out.guarantee > *out.ceiling)
    table.fault_at_key("guarantee", above_ceiling(*out.guarantee, *out.ceiling));
  return out;
}

/// A member that is a table: [slice.bandwidth.PORT].
void read_port_bandwidth(TableReader& parent, const TomlMember& member, const PortNames& ports,
                         SliceConfig& slice) {
  const auto id = ports.find(member.key);
  if (!id)
    return parent.fault_at(member.value.at, "no [[port]] is named " + in_quotes(member.key) +
                                                suggestion(member.key, ports.names()));
  const std::vector<PortId> own_ports = slice.ports();
  if (std::ranges::find(own_ports, *id) == own_ports.end())
    return parent.fault_at(member.value.at,
                           "port " + in_quotes(member.key) +
                               " is not a port of this slice; name it in a [[slice.flowspace]], "
                               "or leave this table out");
  TableReader table(member.value, "[slice.bandwidth." + member.key + "]", parent.faults());
  const BandwidthConfig here = read_bandwidth_keys(table);
  table.refuse_unknown();
  slice.bandwidth_at_port.emplace_back(*id, here);
  // Each table may be in order by itself and still contradict the other.
  const auto guarantee = here.guarantee ? here.guarantee : slice.bandwidth.guarantee;
  const auto ceiling = here.ceiling ? here.ceiling : slice.bandwidth.ceiling;
  if (here.guarantee.has_value() != here.ceiling.has_value() && guarantee && ceiling && *guarantee > *ceiling)
    table.fault_at_key(here.guarantee ? "guarantee" : "ceiling",
                       here.guarantee
                           ? above_ceiling(*guarantee, *ceiling)
                           : format_rate(*ceiling) + " is below the slice's guarantee of " +
                                 format_rate(*guarantee) + "; raise it, or give this port a guarantee");
}

std::vector<uint8_t> read_pcps(TableReader& table, std::array<bool, 8>& taken) {
  std::vector<uint8_t> out;
  const TomlMember* member = table.require("pcp", "pcp = 5, pcp = [5, 6] or pcp = \"5-7\"");
  if (member == nullptr) return out;
  for (const uint32_t pcp : read_number_list(table, *member, 7)) {
    if (taken[pcp])
      table.fault(*member,
                  std::to_string(pcp) + " is already in another class of the slice; name each PCP once");
    taken[pcp] = true;
    out.push_back(static_cast<uint8_t>(pcp));
  }
  return out;
}

/// "256KiB" or "500 packets"
void read_queue(TableReader& table, ClassConfig& out) {
  constexpr std::string_view kExample = "queue = \"256KiB\" or queue = \"500 packets\"";
  const auto fault = [&table](const std::string& problem) { table.fault(*table.find("queue"), problem); };
  const auto text = table.string("queue", kExample);
  if (!text) return;
  const auto packets = parse_packets(*text);
  if (packets && (*packets < 1 || *packets > kMostQueuedPackets))
    return fault(in_quotes(*text) + " is out of range; write 1 to " + std::to_string(kMostQueuedPackets) +
                 " packets");
  if (packets) {
    out.queue_packets = *packets;
    return;
  }
  const auto bytes = parse_size(*text);
  if (!bytes)
    return fault(in_quotes(*text) + " is neither a size nor a number of packets; write " +
                 std::string(kExample));
  if (*bytes < kLargestFrameOnWire) return fault(too_small(in_quotes(*text)));
  out.queue_bytes = *bytes;
}

ClassConfig read_class(const TomlNode& node, std::array<bool, 8>& taken, FaultList& faults) {
  TableReader table(node, "[[slice.class]]", faults);
  ClassConfig out;
  out.at = table.at();
  out.pcps = read_pcps(table, taken);
  out.strict = table.boolean("strict").value_or(false);
  if (const auto weight = table.integer("weight", 1, kMostWeight))
    out.weight = static_cast<uint32_t>(*weight);
  out.guarantee = read_rate(table, "guarantee", "guarantee = \"100Mbps\"");
  out.ceiling = read_ceiling(table);
  read_queue(table, out);
  if (out.strict)
    for (const std::string_view key : {"weight", "guarantee", "ceiling"})
      if (table.find(key) != nullptr)
        table.fault_at_key(
            key, "is given for a strict class, which is served before the others anyway; leave out " +
                     std::string(key) + " or strict");
  if (out.guarantee && out.ceiling && *out.guarantee > *out.ceiling)
    table.fault_at_key("guarantee", above_ceiling(*out.guarantee, *out.ceiling));
  table.refuse_unknown();
  return out;
}

}  // namespace

void read_bandwidth(const TomlNode& node, const PortNames& ports, SliceConfig& slice, FaultList& faults) {
  TableReader table(node, "[slice.bandwidth]", faults);
  // A port may be called "weight": a table is a port's, anything else a key of this table.
  TomlNode own{node.at, TomlNode::Table{}};
  auto& own_keys = std::get<TomlNode::Table>(own.value);
  for (const TomlMember& member : table.members())
    if (member.value.as<TomlNode::Table>() == nullptr) own_keys.push_back(member);
  TableReader keys(own, "[slice.bandwidth]", faults);
  slice.bandwidth = read_bandwidth_keys(keys);
  keys.refuse_unknown();
  for (const TomlMember& member : table.members())
    if (member.value.as<TomlNode::Table>() != nullptr) read_port_bandwidth(table, member, ports, slice);
}

std::vector<ClassConfig> read_classes(std::span<const TomlNode> nodes, FaultList& faults) {
  std::vector<ClassConfig> out;
  std::array<bool, 8> taken{};
  for (const TomlNode& node : nodes) out.push_back(read_class(node, taken, faults));
  return out;
}

}  // namespace bulkhead
