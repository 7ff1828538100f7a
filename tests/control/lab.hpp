// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <thread>

#include "control/appliance.hpp"
#include "control/cores.hpp"
#include "tests/control/config_text.hpp"

namespace bulkhead::test {

/// Waits until `happened`, or for so long that something must be broken.
template <class Happened>
bool eventually(Happened happened) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{30};
  while (!happened()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::yield();
  }
  return true;
}

/// The sections that every appliance of a test begins with; cores that any machine has.
[[nodiscard]] inline std::string appliance_section(std::size_t workers = 1) {
  std::string cores = "0";
  for (std::size_t i = 1; i < workers; ++i) cores += "," + std::to_string(i);
  return "[appliance]\nmemory = \"64MiB\"\neal = [\"--no-huge\"]\ncores = \"" + cores + "\"\n";
}

[[nodiscard]] inline std::string port_section(const std::string& name, const std::string& device) {
  return "[[port]]\nname = \"" + name + "\"\ndevice = \"" + device + "\"\nspeed = \"10Gbps\"\n";
}

/// A wire in one VLAN between two ports.
[[nodiscard]] inline std::string wire_section(const std::string& name, const std::string& left,
                                              const std::string& right, const std::string& vlan) {
  return "[[slice]]\nname = \"" + name + "\"\nforward = \"wire\"\nflowspace = [{port = [\"" + left +
         "\", \"" + right + "\"], vlan = " + vlan + "}]\n";
}

[[nodiscard]] inline std::unique_ptr<Appliance> start_appliance(const std::string& text) {
  Config config = accepted(text);
  const auto cores = worker_cores(config.appliance);
  if (!cores) FAIL(cores.error().message());
  auto appliance = Appliance::start(std::move(config), *cores, [](std::string) {});
  if (!appliance) FAIL(appliance.error().message());
  return std::move(*appliance);
}

inline uint64_t count_of(const std::vector<std::pair<std::string, uint64_t>>& counts,
                         const std::string& reason) {
  for (const auto& [name, count] : counts)
    if (name == reason) return count;
  return UINT64_MAX;
}

inline uint64_t sum_of(const std::vector<std::pair<std::string, uint64_t>>& counts) {
  uint64_t sum = 0;
  for (const auto& [name, count] : counts) sum += count;
  return sum;
}

/// received + copied = transmitted + queued + dropped, as the endpoint would show it.
[[nodiscard]] inline bool is_balanced(const Snapshot::Slice& slice) {
  uint64_t came = slice.replicated_packets;
  uint64_t went = slice.input_queued_packets + sum_of(slice.dropped);
  for (const Snapshot::SlicePort& port : slice.ports) {
    came += port.received.packets;
    for (const Snapshot::Traffic& traffic : port.transmitted) went += traffic.packets;
    for (const uint64_t queued : port.queued_packets) went += queued;
  }
  return came == went;
}

[[nodiscard]] inline uint64_t received_by(const Snapshot::Slice& slice) {
  uint64_t sum = 0;
  for (const Snapshot::SlicePort& port : slice.ports) sum += port.received.packets;
  return sum;
}

[[nodiscard]] inline uint64_t transmitted_by(const Snapshot::Slice& slice) {
  uint64_t sum = 0;
  for (const Snapshot::SlicePort& port : slice.ports)
    for (const Snapshot::Traffic& traffic : port.transmitted) sum += traffic.packets;
  return sum;
}

}  // namespace bulkhead::test
