// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <iosfwd>
#include <optional>
#include <string>

namespace bulkhead {

/// `bulkhead classify FILE CAPTURE.pcap [--port NAME]`: one line for each packet of the capture (its number,
/// the port, the slice that owns it there, the entry that says so, what the packet is) and a sum for each
/// slice. `port` is where the packets are taken to arrive. Without it they are tried at every port of the
/// configuration: a line for each port where a slice owns the packet, and one line for a packet that none
/// owns anywhere.
///
/// Returns the exit status: 0; 1 when the configuration or the capture is refused, which is said to `err`;
/// 64 when the configuration has no such port.
[[nodiscard]] int classify_command(const std::string& file, const std::string& capture,
                                   const std::optional<std::string>& port, std::ostream& out,
                                   std::ostream& err);

}  // namespace bulkhead
