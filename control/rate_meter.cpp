// SPDX-License-Identifier: Apache-2.0
#include "control/rate_meter.hpp"

#include <algorithm>
#include <string>
#include <vector>

namespace bulkhead {
namespace {

double rate(uint64_t before, uint64_t after, double seconds) {
  return after > before ? static_cast<double>(after - before) / seconds : 0;
}

void fill_rates(Snapshot::Traffic& traffic, const Snapshot::Traffic& before, double seconds) {
  traffic.packets_per_second = rate(before.packets, traffic.packets, seconds);
  traffic.bits_per_second = rate(before.bytes, traffic.bytes, seconds) * 8;
}

/// The entry of that name, or nullptr. Looks at `hint` first: slices and ports seldom move between snapshots,
/// and a search for each of a thousand slices would be quadratic.
template <class Item>
const Item* find_named(const std::vector<Item>& items, std::string Item::* name, const std::string& wanted,
                       std::size_t hint) {
  if (hint < items.size() && items[hint].*name == wanted) return &items[hint];
  const auto found = std::ranges::find(items, wanted, name);
  return found == items.end() ? nullptr : &*found;
}

void fill_slice(Snapshot::Slice& slice, const Snapshot::Slice& before, double seconds) {
  const auto percent = [&](double then, double now) { return std::max(now - then, 0.0) / seconds * 100; };
  slice.cpu_percent = percent(before.cpu_seconds, slice.cpu_seconds);
  slice.cpu_throttled_percent = percent(before.cpu_throttled_seconds, slice.cpu_throttled_seconds);
  for (std::size_t i = 0; i < slice.ports.size(); ++i) {
    auto& port = slice.ports[i];
    const auto* const old = find_named(before.ports, &Snapshot::SlicePort::port, port.port, i);
    if (old == nullptr) continue;
    fill_rates(port.received, old->received, seconds);
    for (std::size_t pcp = 0; pcp < port.transmitted.size(); ++pcp) {
      fill_rates(port.transmitted[pcp], old->transmitted[pcp], seconds);
    }
  }
}

void fill_snapshot(Snapshot& snapshot, const Snapshot& before, double seconds) {
  for (std::size_t i = 0; i < snapshot.slices.size(); ++i) {
    const auto* const old = find_named(before.slices, &Snapshot::Slice::name, snapshot.slices[i].name, i);
    if (old != nullptr) fill_slice(snapshot.slices[i], *old, seconds);
  }
  for (std::size_t i = 0; i < snapshot.ports.size(); ++i) {
    auto& port = snapshot.ports[i];
    const auto* const old = find_named(before.ports, &Snapshot::Port::name, port.name, i);
    if (old == nullptr) continue;
    fill_rates(port.received, old->received, seconds);
    fill_rates(port.transmitted, old->transmitted, seconds);
  }
}

}  // namespace

void RateMeter::fill(Snapshot& snapshot, std::chrono::nanoseconds now) {
  if (previous_ && now > previous_time_) {
    fill_snapshot(snapshot, *previous_, std::chrono::duration<double>(now - previous_time_).count());
  }
  previous_ = snapshot;
  previous_time_ = now;
}

}  // namespace bulkhead
