// SPDX-License-Identifier: Apache-2.0
#include "shaper/placement.hpp"

#include <algorithm>
#include <utility>

#include "shaper/cpu_share.hpp"

namespace bulkhead {
namespace {

constexpr uint32_t kWorthIt = CpuShare::kWholeCore / 10;

struct WorkerLoad {
  uint64_t reserved = 0;
  uint64_t used = 0;
  std::size_t slices = 0;

  void add(const SliceLoad& slice) {
    reserved += slice.reserve;
    used += slice.used;
    ++slices;
  }
};

std::vector<WorkerLoad> loads_of(std::span<const SliceLoad> slices, std::size_t workers) {
  std::vector<WorkerLoad> loads(workers);
  for (const SliceLoad& slice : slices)
    if (slice.home) loads[*slice.home].add(slice);
  return loads;
}

}  // namespace

std::vector<std::size_t> place_new(std::span<const SliceLoad> slices, std::size_t workers) {
  std::vector<WorkerLoad> loads = loads_of(slices, workers);
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < slices.size(); ++i) order.push_back(i);
  std::ranges::sort(order, {}, [&](std::size_t i) { return std::pair(~slices[i].reserve, i); });
  std::vector<std::size_t> homes(slices.size());
  for (const std::size_t i : order) {
    const auto key = [](const WorkerLoad& load) { return std::pair(load.reserved, load.slices); };
    const auto least = std::ranges::min_element(loads, {}, key);
    homes[i] = slices[i].home.value_or(static_cast<std::size_t>(least - loads.begin()));
    if (!slices[i].home) least->add(slices[i]);
  }
  return homes;
}

std::optional<std::size_t> first_without_room(std::span<const SliceLoad> slices,
                                              std::span<const std::size_t> homes, std::size_t workers) {
  std::vector<uint64_t> reserved(workers);
  for (std::size_t i = 0; i < slices.size(); ++i) {
    reserved[homes[i]] += slices[i].reserve;
    if (reserved[homes[i]] > CpuShare::kWholeCore) return i;
  }
  return std::nullopt;
}

std::optional<SliceMove> better_place(std::span<const SliceLoad> slices, std::size_t workers) {
  const std::vector<WorkerLoad> loads = loads_of(slices, workers);
  const auto [idlest, busiest] = std::ranges::minmax_element(loads, {}, &WorkerLoad::used);
  const uint64_t gap = busiest->used - idlest->used;
  if (gap < kWorthIt) return std::nullopt;
  const auto from = static_cast<std::size_t>(busiest - loads.begin());
  std::optional<std::size_t> best;
  // After a move of `used` the gap is |gap - 2 * used|.
  const auto gap_after = [&](std::size_t i) {
    const uint64_t moved = uint64_t{2} * slices[i].used;
    return moved > gap ? moved - gap : gap - moved;
  };
  for (std::size_t i = 0; i < slices.size(); ++i) {
    if (slices[i].home != from) continue;
    if (slices[i].reserve + idlest->reserved > CpuShare::kWholeCore) continue;
    if (!best || gap_after(i) < gap_after(*best)) best = i;
  }
  // A move that gains little would be undone by the next measurement's noise.
  if (!best || gap_after(*best) + kWorthIt / 2 > gap) return std::nullopt;
  return SliceMove{.slice = *best, .worker = static_cast<std::size_t>(idlest - loads.begin())};
}

}  // namespace bulkhead
