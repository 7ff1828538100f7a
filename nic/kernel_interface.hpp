// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace bulkhead {

// Interfaces of the kernel, by their numbers; 0 is none. Drivers that go through the kernel (AF_PACKET,
// AF_XDP, tap) do not know what befalls them.

/// Whether it is there, in this network namespace.
[[nodiscard]] bool interface_exists(unsigned interface);

/// Whether it is up, and so is the other end of its cable: those drivers report a link also when not.
[[nodiscard]] bool interface_is_up(unsigned interface);

/// Nothing where there is no such interface. Those drivers report Ethernet's default, whatever it has.
[[nodiscard]] std::optional<uint16_t> interface_mtu(unsigned interface);

/// The interface that a DPDK device is opened on, where it is of AF_PACKET's or AF_XDP's driver.
[[nodiscard]] std::optional<std::string> interface_of(const std::string& device);

}  // namespace bulkhead
