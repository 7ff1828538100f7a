// SPDX-License-Identifier: Apache-2.0
#include "nic/packet.hpp"

#include "nic/sanitizer.hpp"

namespace bulkhead {

static_assert(sizeof(Packet) == sizeof(rte_mbuf*),
              "an array of Packets is an array of mbuf pointers to DPDK");

const uint8_t* Packet::read_across(const void* segments, uint32_t offset, uint32_t size, uint8_t* scratch) {
  if (size == 0) return scratch;  // DPDK would look for a segment behind the last one
  const auto* mbuf = static_cast<const rte_mbuf*>(segments);
  return static_cast<const uint8_t*>(rte_pktmbuf_read(mbuf, offset, size, scratch));
}

void free_packets(std::span<const Packet> packets) {
  if (packets.empty()) return;
  for (const Packet packet : packets) hand_over_to_library(packet.mbuf());
  auto* mbufs = reinterpret_cast<rte_mbuf**>(const_cast<Packet*>(packets.data()));
  rte_pktmbuf_free_bulk(mbufs, static_cast<unsigned>(packets.size()));
}

}  // namespace bulkhead
