// SPDX-License-Identifier: Apache-2.0
#include "nic/pci_device.hpp"

#include <fmt/format.h>
#include <rte_pci.h>

#include <algorithm>
#include <array>
#include <system_error>

namespace bulkhead {
namespace {

// Drivers of the kernel that hand a device to a process; then those whose devices DPDK shares with them.
constexpr std::array<std::string_view, 6> kLetDpdkIn = {"vfio-pci",  "igb_uio",   "uio_pci_generic",
                                                        "mlx4_core", "mlx5_core", "mana"};

/// As the kernel writes it, domain and all.
std::optional<std::string> full_address(std::string_view text) {
  rte_pci_addr address{};
  if (rte_pci_addr_parse(std::string(text).c_str(), &address) != 0) return std::nullopt;
  return fmt::format("{:04x}:{:02x}:{:02x}.{:x}", address.domain, address.bus, address.devid,
                     address.function);
}

}  // namespace

std::optional<std::string> pci_obstacle(std::string_view address, const std::filesystem::path& devices) {
  const auto full = full_address(address);
  if (!full) return std::nullopt;
  std::error_code none;
  const std::filesystem::path device = devices / *full;
  if (!std::filesystem::exists(device, none))
    return fmt::format("there is no such device on the PCI bus; name one that `ls {}` shows",
                       devices.string());
  const std::string driver = std::filesystem::read_symlink(device / "driver", none).filename().string();
  if (std::ranges::find(kLetDpdkIn, driver) != kLetDpdkIn.end()) return std::nullopt;
  return fmt::format("{}; give it to DPDK: `dpdk-devbind.py --bind=vfio-pci {}`",
                     driver.empty() ? "no driver of the kernel has it, and DPDK needs vfio-pci to"
                                    : "the kernel's driver " + driver + " has it",
                     *full);
}

}  // namespace bulkhead
