// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "control/config.hpp"

namespace bulkhead {

/// Frames of one class that a slice claims at one port and forwards to another.
struct TestStream {
  PortId ingress;
  PortId egress;
  std::vector<uint8_t> frame;    // zeros behind its headers: room for kStampSize bytes at the end
  Bytes wire;                    // its size on the wire at the egress, where its tag may have come off or on
  std::size_t class_number = 0;  // of the slice's, see classes_of
  BitsPerSecond class_ceiling;   // zero: none
  std::vector<uint8_t>
      greeting;  // for a switch: a frame from the destination, in at the egress; may be empty
};

/// What the test writes at the end of each frame.
inline constexpr uint32_t kStampSize = 24;

/// The streams that test the slice's way out at `egress`: one of each class that the slice's flowspace lets
/// frames be in, of `frame_bytes` each (more where the headers need it), all from the same other port. Empty
/// where no frame of the slice can come in elsewhere and leave there.
[[nodiscard]] std::vector<TestStream> make_streams(const Config& config, SliceId slice, PortId egress,
                                                   uint32_t frame_bytes);

}  // namespace bulkhead
