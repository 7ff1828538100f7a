// SPDX-License-Identifier: Apache-2.0
#include "nic/pci_device.hpp"

#include <catch2/catch.hpp>

#include "tests/control/temporary_directory.hpp"

using namespace bulkhead;

namespace {

/// A bus as the kernel shows it, with one device.
class Bus {
 public:
  explicit Bus(const std::string& driver) {
    std::filesystem::create_directories(device());
    if (!driver.empty())
      std::filesystem::create_symlink("../../../bus/pci/drivers/" + driver, device() / "driver");
  }
  [[nodiscard]] std::filesystem::path devices() const { return directory_.file("devices"); }

 private:
  [[nodiscard]] std::filesystem::path device() const { return devices() / "0000:3b:00.0"; }
  TemporaryDirectory directory_;
};

}  // namespace

TEST_CASE("a PCI device that the kernel has is not DPDK's", "[pci_device]") {
  CHECK(pci_obstacle("0000:3b:00.0", Bus("e1000e").devices()) ==
        "the kernel's driver e1000e has it; give it to DPDK: `dpdk-devbind.py --bind=vfio-pci 0000:3b:00.0`");
  CHECK(pci_obstacle("3b:00.0", Bus("").devices()) ==
        "no driver of the kernel has it, and DPDK needs vfio-pci to; give it to DPDK: `dpdk-devbind.py "
        "--bind=vfio-pci 0000:3b:00.0`");
}

TEST_CASE("a PCI device that is not there", "[pci_device]") {
  const Bus bus("vfio-pci");
  CHECK(pci_obstacle("0000:3b:00.1", bus.devices()) ==
        "there is no such device on the PCI bus; name one that `ls " + bus.devices().string() + "` shows");
}

TEST_CASE("nothing is known to keep it from DPDK", "[pci_device]") {
  for (const char* driver : {"vfio-pci", "uio_pci_generic", "mlx5_core"})
    CHECK(pci_obstacle("0000:3b:00.0", Bus(driver).devices()) == std::nullopt);
  for (const char* device : {"", "net_null0", "net_pcap0", "3b:00", "auxiliary:mlx5_core.sf.4"})
    CHECK(pci_obstacle(device, Bus("").devices()) == std::nullopt);
}
