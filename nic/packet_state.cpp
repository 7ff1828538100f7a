// SPDX-License-Identifier: Apache-2.0
#include "nic/packet_state.hpp"

#include <fmt/format.h>
#include <rte_errno.h>
#include <rte_mbuf_dyn.h>

#include "nic/packet.hpp"

namespace bulkhead {

Result<void> reserve_packet_state() {
  const rte_mbuf_dynfield field{.name = "bulkhead_packet_state",
                                .size = sizeof(PacketState),
                                .align = alignof(PacketState),
                                .flags = 0};
  if (rte_mbuf_dynfield_register_offset(&field, Packet::kStateOffset) < 0)
    return fail(
        fmt::format("DPDK: {} bytes at offset {} of the packet buffer are taken ({}); drop the [appliance] "
                    "eal argument that uses them",
                    sizeof(PacketState), Packet::kStateOffset, rte_strerror(rte_errno)));
  return {};
}

}  // namespace bulkhead
