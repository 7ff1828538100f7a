// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "nic/error.hpp"
#include "nic/units.hpp"

namespace bulkhead {

struct EalOptions {
  /// Memory for packets and what belongs to them. Taken from hugepages when enough are free.
  Bytes memory;
  /// PCI devices that may be probed, each an address, with its driver's arguments behind a comma where it has
  /// any; no other device on the bus is touched.
  std::vector<std::string> pci_devices;
  /// Further DPDK arguments, as the operator wrote them.
  std::vector<std::string> arguments;
  /// Receives DPDK's own log, line by line, from any thread.
  std::function<void(std::string_view line)> log;
};

/// DPDK's environment abstraction layer. One at a time, and once per process: DPDK cannot start a second
/// time. Everything else in nic/ needs it to be alive. Leaves no file behind, also without hugepages.
class Eal {
 public:
  static Result<Eal> start(const EalOptions& options);

  /// Whether packet memory lies in hugepages.
  [[nodiscard]] bool hugepages() const;

  Eal(Eal&&) noexcept;
  Eal& operator=(Eal&&) = delete;
  ~Eal();

 private:
  struct State;
  explicit Eal(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace bulkhead
