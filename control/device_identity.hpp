// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace bulkhead {

/// A device as the operator wrote it, with a PCI address as DPDK writes it: "3B:00.0" is "0000:3b:00.0".
[[nodiscard]] std::string normal_device(std::string_view device);

/// Whether a device is one of the PCI bus: has a PCI address for a name, whatever stands in its arguments.
[[nodiscard]] bool is_pci(std::string_view device);

/// What a device takes for itself: its own name, and the kernel's interface behind it, as "interface v1". Two
/// ports that have one of these in common would drive the same thing. Requires: as normal_device() returns.
[[nodiscard]] std::vector<std::string> device_identities(std::string_view device);

[[nodiscard]] bool collide(std::string_view a, std::string_view b);

}  // namespace bulkhead
