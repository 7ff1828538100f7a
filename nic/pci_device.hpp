// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace bulkhead {

/// What keeps a PCI device from DPDK, and the remedy: it is not there, or the kernel has it. DPDK itself says
/// "No such device" of both. Nothing where neither is so, or where `address` is none of PCI's (0000:3b:00.0).
/// `devices`: where the kernel lists what is on the bus.
[[nodiscard]] std::optional<std::string> pci_obstacle(
    std::string_view address, const std::filesystem::path& devices = "/sys/bus/pci/devices");

}  // namespace bulkhead
