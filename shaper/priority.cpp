// SPDX-License-Identifier: Apache-2.0
#include "shaper/priority.hpp"

#include <algorithm>
#include <optional>

namespace bulkhead {
namespace {

constexpr uint32_t kTypeOffset = 12;

/// The upper three bits of the DSCP of an untagged IP frame: RFC 2474's class selector.
std::optional<uint8_t> class_selector(Packet packet) {
  const FrameView frame = packet.view();
  if (frame.contiguous() < kEthernetHeaderSize + 2) return std::nullopt;
  const uint8_t* const ip = frame.data() + kEthernetHeaderSize;
  switch (load_be16(frame.data() + kTypeOffset)) {
    case kEthertypeIpv4:
      return static_cast<uint8_t>(ip[1] >> 5);
    case kEthertypeIpv6:
      return static_cast<uint8_t>(load_be16(ip) >> 9 & 7);  // behind the four bits of the version
    default:
      return std::nullopt;
  }
}

}  // namespace

void Priority::mark(Packet packet) const {
  PacketState& state = packet.state();
  if (!state.vlan.is_tagged()) {
    const auto wanted = rules_.from_dscp ? class_selector(packet) : std::nullopt;
    state.pcp = std::min(wanted.value_or(rules_.default_pcp), rules_.max);
    return;
  }
  if (state.pcp <= rules_.max) return;
  state.pcp = rules_.max;
  uint8_t* const tci = packet.data() + kEthernetHeaderSize;
  *tci = static_cast<uint8_t>((*tci & 0x1f) | rules_.max << 5);
}

}  // namespace bulkhead
