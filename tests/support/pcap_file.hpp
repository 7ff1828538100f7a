// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "tests/support/frames.hpp"

namespace bulkhead::test {

/// Writes the frames as a capture, for net_pcap's rx_pcap. Aborts where it cannot.
void write_pcap(const std::string& path, const std::vector<Frame>& frames);

/// The frames of a capture, in order. Aborts where it cannot be read.
[[nodiscard]] std::vector<Frame> read_pcap(const std::string& path);

}  // namespace bulkhead::test
