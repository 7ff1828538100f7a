// SPDX-License-Identifier: Apache-2.0
#include "control/memory_plan.hpp"

#include <algorithm>
#include <bit>

#include "nic/packet_pool.hpp"
#include "nic/port.hpp"
#include "shaper/class_queue.hpp"

namespace bulkhead {
namespace {

// A worker's thread cache (one and a half times its size, as DPDK fills it), the burst in its hands, and the
// copies of one flooded burst.
constexpr uint32_t kPacketsPerWorker = 384 + 64 + 64;

constexpr uint32_t kLongestInput = 1024;  // only what a round of visits brings
// What eight classes may hold that have no limit of their own, and again as much for those that have.
constexpr uint32_t kLongestOutput = 2 * kMaxClasses * QueueLimit::kLongest;
constexpr std::size_t kSharesOfPort = 3;

}  // namespace

PacketMemory packet_memory(const Config& config) {
  uint32_t room = 0;
  for (const PortConfig& port : config.ports) room = std::max(room, data_room_of(port.device));
  return {.data_room = room, .packets = PacketPool::capacity_of(config.appliance.memory, room)};
}

uint64_t held_packets(const Config& config, std::optional<uint32_t> workers) {
  return config.ports.size() * 2 * kDescriptors + uint64_t{workers.value_or(0)} * kPacketsPerWorker;
}

std::vector<uint64_t> memory_packets(const Config& config, const PacketMemory& memory,
                                     std::optional<uint32_t> workers) {
  uint64_t left = memory.packets - std::min<uint64_t>(memory.packets, held_packets(config, workers));
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
    const auto share = static_cast<uint32_t>(std::min<uint64_t>(at_port / kSharesOfPort, kLongestInput));
    const uint32_t input = std::bit_floor(share);
    out.push_back({.input = input,
                   .output = static_cast<uint32_t>(std::min<uint64_t>(at_port - input, kLongestOutput))});
  }
  return out;
}

}  // namespace bulkhead
