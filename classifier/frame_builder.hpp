// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "classifier/headers.hpp"

namespace bulkhead {

/// A frame with these headers and no more than they need: correct lengths and IPv4 header checksum, L4
/// checksums zero, padded to the 60 bytes that Ethernet asks for (IEEE 802.3, 64 with the frame check
/// sequence). Requires: headers that a frame can have (see algebra.hpp), so that parse(build_frame(h)) gives
/// h again.
[[nodiscard]] std::vector<uint8_t> build_frame(const Headers& headers);

}  // namespace bulkhead
