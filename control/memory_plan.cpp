// SPDX-License-Identifier: Apache-2.0
#include "control/memory_plan.hpp"

#include <algorithm>
#include <bit>

#include "classifier/demultiplexer.hpp"
#include "control/device_identity.hpp"
#include "control/ingress_classes.hpp"
#include "nic/packet_pool.hpp"
#include "nic/port.hpp"
#include "shaper/slice_output.hpp"

namespace bulkhead {
namespace {

// A thread's cache of the pool: one and a half times its size, as DPDK fills it.
constexpr uint32_t kCached = 384;
// The burst in a worker's hands besides, all of it long frames. Copies are their slice's from the beginning.
constexpr uint32_t kPacketsPerWorker = kCached + Burst::kCapacity * SliceInput::kMostBuffers;
// The control thread frees what slices leave behind, and its cache keeps some of that.
constexpr uint32_t kPacketsOfControl = kCached;
// What AF_XDP's driver fills its rings with, whatever it is asked for.
constexpr uint32_t kAfXdpDescriptors = 2048;

constexpr std::size_t kSharesOfPort = 3;

constexpr std::size_t kPartOfOwnQueues = 4;  // of the memory, one part

}  // namespace

PacketMemory packet_memory(const Config& config) {
  uint32_t room = 0;
  for (const PortConfig& port : config.ports) room = std::max(room, data_room_of(port.device));
  return {.data_room = room, .packets = PacketPool::capacity_of(config.appliance.memory, room)};
}

uint16_t own_queues_at(const Config& config, PortId port, const PacketMemory& memory) {
  if (config.ports[port.value()].flow_rules == PortConfig::FlowRules::software) return 0;
  std::size_t slices = 0;
  std::size_t further_classes = 0;
  for (const SliceConfig& slice : config.slices)
    if (std::ranges::binary_search(slice.ports(), port)) {
      ++slices;
      further_classes += ingress_classes(slice).count() - 1;
    }
  const std::size_t wanted = slices + slices / 4 + 1 + further_classes;
  const std::size_t most = memory.packets / kPartOfOwnQueues / config.ports.size() / kOwnDescriptors;
  return static_cast<uint16_t>(std::min(wanted, most));
}

uint64_t held_packets(const Config& config, const PacketMemory& memory, std::optional<uint32_t> workers) {
  uint64_t held = kPacketsOfControl + uint64_t{workers.value_or(0)} * kPacketsPerWorker;
  for (std::size_t number = 0; number < config.ports.size(); ++number) {
    const std::string& device = config.ports[number].device;
    held += uint64_t{2} * (has_driver(device, "af_xdp") ? kAfXdpDescriptors : kDescriptors);
    if (is_pci(device) || has_driver(device, "tap"))
      held +=
          uint64_t{kOwnDescriptors} * own_queues_at(config, PortId{static_cast<uint16_t>(number)}, memory);
  }
  return held;
}

std::vector<uint64_t> memory_packets(const Config& config, const PacketMemory& memory,
                                     std::optional<uint32_t> workers) {
  uint64_t left = memory.packets - std::min<uint64_t>(memory.packets, held_packets(config, memory, workers));
  uint64_t sharers = 0;
  for (const SliceConfig& slice : config.slices) {
    left -= std::min<uint64_t>(left, slice.memory_packets.value_or(0));
    sharers += slice.memory_packets ? 0 : 1;
  }
  std::vector<uint64_t> out;
  for (const SliceConfig& slice : config.slices)
    out.push_back(slice.memory_packets ? *slice.memory_packets : left / sharers);
  return out;
}

std::size_t queue_count(const SliceConfig& slice) { return kSharesOfPort * slice.ports().size(); }

std::vector<QueuePlan> queue_plans(const Config& config, const PacketMemory& memory, uint32_t workers) {
  const std::vector<uint64_t> packets = memory_packets(config, memory, workers);
  std::vector<QueuePlan> out;
  for (std::size_t slice = 0; slice < packets.size(); ++slice) {
    const uint64_t at_port = packets[slice] / config.slices[slice].ports().size();
    const auto share =
        static_cast<uint32_t>(std::min<uint64_t>(at_port / kSharesOfPort, SliceInput::kLongest));
    const uint32_t input = std::bit_floor(share);
    const uint64_t rest = at_port - SliceInput::buffers_of(input);
    out.push_back({.input = input,
                   .output = static_cast<uint32_t>(std::min<uint64_t>(rest, SliceOutput::kMostPlaces)),
                   .quota = packets[slice]});
  }
  return out;
}

}  // namespace bulkhead
