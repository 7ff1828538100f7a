// SPDX-License-Identifier: Apache-2.0
#include "control/status_table.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <vector>

namespace bulkhead {
namespace {

using Row = std::vector<std::string>;

/// Three significant digits with a power of 1000: "0", "999", "1.25 k", "83.1 M", "10.0 G".
std::string scaled(double value) {
  constexpr std::array<const char*, 5> kSuffixes = {"", " k", " M", " G", " T"};
  if (!std::isfinite(value) || value < 0) value = 0;
  std::size_t power = 0;
  while (value >= 999.5 && power + 1 < kSuffixes.size()) {
    value /= 1000;
    ++power;
  }
  const int decimals = power == 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
  std::array<char, 48> text{};
  std::snprintf(text.data(), text.size(), "%.*f%s", decimals, value, kSuffixes[power]);
  return text.data();
}

std::string percent(double value) {
  std::array<char, 48> text{};
  std::snprintf(text.data(), text.size(), "%.1f%%", std::isfinite(value) ? value : 0.0);
  return text.data();
}

uint64_t sum_of(const std::vector<std::pair<std::string, uint64_t>>& counts) {
  uint64_t sum = 0;
  for (const auto& [reason, packets] : counts) sum += packets;
  return sum;
}

/// Where the slice's rules are: in hardware, as marks on a shared queue, in software.
std::string rules_text(const Snapshot::Slice& slice) {
  uint32_t hardware = 0;
  uint32_t mark = 0;
  uint32_t software = 0;
  for (const auto& port : slice.ports) {
    hardware += port.rules_hardware;
    mark += port.rules_mark;
    software += port.rules_software;
  }
  return std::to_string(hardware) + "/" + std::to_string(mark) + "/" + std::to_string(software);
}

Row slice_row(const Snapshot::Slice& slice) {
  Snapshot::Traffic rx;
  Snapshot::Traffic tx;
  const auto add = [](Snapshot::Traffic& sum, const Snapshot::Traffic& part) {
    sum.packets_per_second += part.packets_per_second;
    sum.bits_per_second += part.bits_per_second;
  };
  for (const auto& port : slice.ports) {
    add(rx, port.received);
    for (const auto& part : port.transmitted) add(tx, part);
  }
  return {slice.name,
          scaled(rx.packets_per_second),
          scaled(rx.bits_per_second),
          scaled(tx.packets_per_second),
          scaled(tx.bits_per_second),
          std::to_string(sum_of(slice.dropped)),
          std::to_string(slice.memory_packets) + " of " + std::to_string(slice.memory_quota_packets),
          percent(slice.cpu_percent),
          percent(slice.cpu_reserve_percent),
          slice.cpu_cap_percent ? percent(*slice.cpu_cap_percent) : "none",
          percent(slice.cpu_throttled_percent),
          rules_text(slice)};
}

Row port_row(const Snapshot::Port& port) {
  return {port.name,
          scaled(port.received.packets_per_second),
          scaled(port.received.bits_per_second),
          scaled(port.transmitted.packets_per_second),
          scaled(port.transmitted.bits_per_second),
          std::to_string(sum_of(port.unclaimed) + port.missed_packets),
          !port.out_of_service.empty() ? port.out_of_service : std::string(port.link_up ? "up" : "down")};
}

/// Names to the left, figures to the right, two spaces between.
std::string aligned(const std::vector<Row>& rows) {
  std::vector<std::size_t> widths(rows.front().size());
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string text;
  for (const auto& row : rows) {
    text += row[0] + std::string(widths[0] - row[0].size(), ' ');
    for (std::size_t i = 1; i < row.size(); ++i)
      text += "  " + std::string(widths[i] - row[i].size(), ' ') + row[i];
    text += '\n';
  }
  return text;
}

}  // namespace

std::string status_table(const Snapshot& snapshot) {
  std::vector<Row> slices = {{"slice", "rx pkt/s", "rx bit/s", "tx pkt/s", "tx bit/s", "dropped", "memory",
                              "cpu", "reserve", "cap", "throttled", "hw/mark/sw rules"}};
  for (const auto& slice : snapshot.slices) slices.push_back(slice_row(slice));
  std::vector<Row> ports = {{"port", "rx pkt/s", "rx bit/s", "tx pkt/s", "tx bit/s", "not taken", "link"}};
  for (const auto& port : snapshot.ports) ports.push_back(port_row(port));
  return aligned(slices) + "\n" + aligned(ports);
}

std::string status_text(const Snapshot& snapshot) {
  const std::string state = snapshot.ready ? "ready" : "not ready: " + snapshot.not_ready_because;
  return "bulkhead " + snapshot.version + ", generation " + std::to_string(snapshot.config_generation) +
         ", " + state + "\n\n" + status_table(snapshot);
}

}  // namespace bulkhead
