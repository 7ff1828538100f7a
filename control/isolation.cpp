// SPDX-License-Identifier: Apache-2.0
#include "control/isolation.hpp"

#include <algorithm>
#include <array>
#include <string>

#include "classifier/algebra.hpp"
#include "classifier/overlap.hpp"
#include "control/config_faults.hpp"
#include "control/config_units.hpp"
#include "nic/packet_pool.hpp"
#include "nic/port.hpp"
#include "shaper/cpu_share.hpp"
#include "shaper/placement.hpp"

namespace bulkhead {
namespace {

std::string slice_named(const SliceConfig& slice) { return "slice " + in_quotes(slice.name); }

/// The contract's wording: both lines and one packet that both would claim. The line, not a column, is what
/// the operator looks for.
ConfigFault overlap_fault(const Config& config, FlowspaceSource first, FlowspaceSource second,
                          const Headers& packet) {
  return {{second.at.line, 0},
          slice_named(config.slices[second.slice.value()]) + " overlaps " +
              slice_named(config.slices[first.slice.value()]) + " (" + config.file + ":" +
              std::to_string(first.at.line) + ") at equal precedence:\n  both claim: " +
              to_string(packet, config.ports[packet.port.value()].name)};
}

void prove_disjoint(const Config& config, std::size_t limit, FaultList& faults) {
  const auto entries = flowspace_entries(config);
  const auto sources = flowspace_sources(config);
  // One more than is shown tells whether there are more.
  const auto overlaps = find_overlaps(entries, limit + 1);
  for (std::size_t i = 0; i < std::min(overlaps.size(), limit); ++i) {
    const Overlap& overlap = overlaps[i];
    const ConfigFault fault = overlap_fault(config, sources[entries[overlap.a].source],
                                            sources[entries[overlap.b].source], overlap.witness);
    faults.add(fault.at, fault.message);
  }
  if (overlaps.size() > limit)
    faults.add({}, "more than " + std::to_string(limit) +
                       " pairs of slices overlap; the others are listed once these are resolved");
}

void prove_guarantees(const Config& config, const Resources& resources, FaultList& faults) {
  std::vector<BitsPerSecond> sum(config.ports.size());
  std::vector<SourcePosition> exceeded(config.ports.size());  // where the sum first passed the speed
  for (const SliceConfig& slice : config.slices)
    for (const PortShare& share : port_shares(config, slice, resources.port_speeds)) {
      const std::size_t port = share.port.value();
      const auto speed = port_speed(config, share.port, resources.port_speeds);
      sum[port] += share.guarantee;
      if (speed && sum[port] > *speed && exceeded[port].line == 0)
        exceeded[port] = slice.bandwidth.at.line != 0 ? slice.bandwidth.at : slice.at;
    }
  for (std::size_t port = 0; port < sum.size(); ++port) {
    if (exceeded[port].line == 0) continue;
    const auto speed = port_speed(config, PortId{static_cast<uint16_t>(port)}, resources.port_speeds);
    faults.add(exceeded[port], "the guarantees at port " + in_quotes(config.ports[port].name) + " sum to " +
                                   format_rate(sum[port]) + ", more than its speed of " +
                                   format_rate(*speed) + "; lower them by " +
                                   format_rate(sum[port] - *speed));
  }
}

void prove_class_guarantees(const Config& config, const SliceConfig& slice, const Resources& resources,
                            FaultList& faults) {
  BitsPerSecond sum;
  for (const ClassConfig& given : slice.classes) sum += given.guarantee.value_or(BitsPerSecond{0});
  if (sum.count() == 0) return;
  for (const PortShare& share : port_shares(config, slice, resources.port_speeds)) {
    if (sum <= share.guarantee) continue;
    const auto holds_guarantee = [](const ClassConfig& given) { return given.guarantee.has_value(); };
    faults.add(std::ranges::find_if(slice.classes, holds_guarantee)->at,
               "the class guarantees of " + slice_named(slice) + " sum to " + format_rate(sum) +
                   ", more than the slice's guarantee of " + format_rate(share.guarantee) + " at port " +
                   in_quotes(config.ports[share.port.value()].name) +
                   "; lower them, or raise the slice's guarantee");
    return;
  }
}

/// The table that says the slice's ceiling at a port; it may say none.
const BandwidthConfig& ceiling_table(const SliceConfig& slice, PortId port) {
  for (const auto& [own_port, own] : slice.bandwidth_at_port)
    if (own_port == port && own.ceiling) return own;
  return slice.bandwidth;
}

/// Against configured speeds only: a link may come up slower than its port can be.
void prove_ceilings(const Config& config, const SliceConfig& slice, FaultList& faults) {
  for (const PortId id : slice.ports()) {
    const PortConfig& port = config.ports[id.value()];
    const BandwidthConfig& table = ceiling_table(slice, id);
    if (!table.ceiling || !port.speed || *table.ceiling <= *port.speed) continue;
    faults.add(table.at, "the ceiling of " + slice_named(slice) + ", " + format_rate(*table.ceiling) +
                             ", is above the speed of port " + in_quotes(port.name) + ", " +
                             format_rate(*port.speed) +
                             "; lower it, or give that port a ceiling of its own in [slice.bandwidth." +
                             port.name + "]");
  }
}

/// A class has one ceiling for all ports: it is refused where it can take effect at none.
void prove_class_ceilings(const Config& config, const SliceConfig& slice, FaultList& faults) {
  BitsPerSecond highest;
  for (const PortShare& share : port_shares(config, slice, {})) {
    if (!share.ceiling) return;
    highest = std::max(highest, *share.ceiling);
  }
  for (const ClassConfig& given : slice.classes)
    if (given.ceiling && *given.ceiling > highest)
      faults.add(given.at, "the class's ceiling of " + format_rate(*given.ceiling) + " is above that of " +
                               slice_named(slice) + ", " + format_rate(highest) +
                               "; lower it, or leave it out");
}

/// A slice's reserve is had from one core: reserves that sum to less than all cores need not fit them.
void prove_places(const Config& config, std::size_t workers, FaultList& faults) {
  std::vector<SliceLoad> loads;
  for (const SliceConfig& slice : config.slices)
    loads.push_back({.reserve = slice.cpu.reserve, .used = 0, .home = std::nullopt});
  const auto place = first_without_room(loads, place_new(loads, workers), workers);
  if (!place) return;
  const SliceConfig& slice = config.slices[*place];
  faults.add(slice.cpu.at, "no worker of " + std::to_string(workers) + " has " +
                               format_percent(slice.cpu.reserve) + " of its core left for " +
                               slice_named(slice) + " beside the other slices' CPU reserves" +
                               "; lower them, or add workers");
}

void prove_reserves(const Config& config, const Resources& resources, FaultList& faults) {
  const auto workers = resources.workers_of(config);
  if (!workers) return;
  const uint64_t available = *workers * uint64_t{CpuShare::kWholeCore};
  uint64_t sum = 0;
  const SliceConfig* exceeding = nullptr;
  for (const SliceConfig& slice : config.slices) {
    sum += slice.cpu.reserve;
    if (sum > available && exceeding == nullptr) exceeding = &slice;
  }
  if (exceeding == nullptr) return prove_places(config, *workers, faults);
  faults.add(exceeding->cpu.at, "the CPU reserves sum to " + format_percent(sum) + ", more than the " +
                                    format_percent(available) + " of " + std::to_string(*workers) +
                                    (*workers == 1 ? " worker" : " workers") +
                                    "; lower them, or add workers");
}

/// "16MiB of memory hold 6620 packets of 2376B, of which 2 ports and 1 worker need 5184"
std::string memory_account(const Config& config, const PacketMemory& memory,
                           std::optional<uint32_t> workers) {
  return format_size(config.appliance.memory) + " of memory hold " + std::to_string(memory.packets) +
         " packets of " + format_size(PacketPool::footprint(memory.data_room)) + ", of which " +
         std::to_string(config.ports.size()) + (config.ports.size() == 1 ? " port" : " ports") +
         (workers ? " and " + std::to_string(*workers) + (*workers == 1 ? " worker" : " workers") : "") +
         " need " + std::to_string(held_packets(config, memory, workers));
}

/// Every slice can forward a burst.
void prove_queues(const Config& config, const std::vector<uint64_t>& packets, FaultList& faults) {
  for (std::size_t slice = 0; slice < packets.size(); ++slice) {
    const SliceConfig& own = config.slices[slice];
    const std::size_t queues = queue_count(own);
    if (packets[slice] >= kShortestQueue * queues) continue;
    faults.add(own.at, slice_named(own) + " has " + std::to_string(packets[slice]) +
                           " packets of memory for its " + std::to_string(queues) + " queues, which need " +
                           std::to_string(kShortestQueue * queues) + "; raise " +
                           (own.memory_packets ? "packets in [slice.memory]" : "memory in [appliance]"));
  }
}

void prove_memory(const Config& config, const Resources& resources, FaultList& faults) {
  const PacketMemory memory = resources.memory_of(config);
  const auto workers = resources.workers_of(config);
  uint64_t sum = held_packets(config, memory, workers);
  const bool held = sum <= memory.packets;
  const SliceConfig* exceeding = nullptr;
  for (const SliceConfig& slice : config.slices) {
    sum += slice.memory_packets.value_or(0);
    if (sum > memory.packets && exceeding == nullptr && slice.memory_packets) exceeding = &slice;
  }
  if (!held)
    faults.add(config.appliance.at,
               memory_account(config, memory, workers) + "; raise memory in [appliance]");
  else if (exceeding != nullptr)
    faults.add(exceeding->at, "the slices' memory sums to " +
                                  std::to_string(sum - held_packets(config, memory, workers)) +
                                  " packets, and " + memory_account(config, memory, workers) +
                                  "; lower packets in [slice.memory], or raise memory in [appliance]");
  else
    prove_queues(config, memory_packets(config, memory, workers), faults);
}

/// Whether a device takes rules shows when it is open; but that some never do is known.
void prove_flow_rules(const Config& config, FaultList& faults) {
  constexpr std::array<std::string_view, 7> kWithoutRules{"af_packet", "af_xdp", "pcap",       "null",
                                                          "memif",     "vhost",  "virtio_user"};
  for (const PortConfig& port : config.ports)
    if (port.flow_rules == PortConfig::FlowRules::hardware &&
        std::ranges::any_of(kWithoutRules,
                            [&](std::string_view driver) { return has_driver(port.device, driver); }))
      faults.add(port.at, "port " + in_quotes(port.name) +
                              " has flow_rules = \"hardware\", but its device takes no flow rules; write "
                              "\"auto\" or \"software\"");
}

}  // namespace

std::vector<FlowspaceEntry> flowspace_entries(const Config& config) {
  std::vector<FlowspaceEntry> out;
  uint32_t source = 0;
  for (std::size_t slice = 0; slice < config.slices.size(); ++slice)
    for (const FlowspaceConfig& flowspace : config.slices[slice].flowspaces) {
      for (const Match& match : flowspace.matches)
        out.push_back(
            {match, SliceId{static_cast<uint16_t>(slice)}, config.slices[slice].precedence, source});
      ++source;
    }
  return out;
}

std::vector<FlowspaceSource> flowspace_sources(const Config& config) {
  std::vector<FlowspaceSource> out;
  for (std::size_t slice = 0; slice < config.slices.size(); ++slice)
    for (const FlowspaceConfig& flowspace : config.slices[slice].flowspaces)
      out.push_back({SliceId{static_cast<uint16_t>(slice)}, flowspace.at});
  return out;
}

std::vector<ConfigFault> prove_isolation(const Config& config, const Resources& resources,
                                         std::size_t overlap_limit) {
  FaultList faults;
  prove_disjoint(config, overlap_limit, faults);
  prove_guarantees(config, resources, faults);
  for (const SliceConfig& slice : config.slices) {
    prove_class_guarantees(config, slice, resources, faults);
    prove_ceilings(config, slice, faults);
    prove_class_ceilings(config, slice, faults);
  }
  if (resources.appliance_known) {
    prove_reserves(config, resources, faults);
    prove_memory(config, resources, faults);
  }
  prove_flow_rules(config, faults);
  return std::move(faults).take_sorted();
}

ProvedFlowspaces::ProvedFlowspaces(const Config& config)
    : config_(config), proved_(flowspace_entries(config)), sources_(flowspace_sources(config)) {}

std::vector<ConfigFault> ProvedFlowspaces::prove_added(SliceId slice, const FlowspaceConfig& added) const {
  FaultList faults;
  for (const Match& match : added.matches) {
    const FlowspaceEntry entry{match, slice, config_.slices[slice.value()].precedence,
                               static_cast<uint32_t>(sources_.size())};
    for (const Overlap& overlap : proved_.find_overlaps_with(entry, kOverlapLimit)) {
      const ConfigFault fault = overlap_fault(config_, sources_[proved_.entries()[overlap.a].source],
                                              {slice, added.at}, overlap.witness);
      faults.add(fault.at, fault.message);
    }
  }
  return std::move(faults).take_sorted();
}

}  // namespace bulkhead
