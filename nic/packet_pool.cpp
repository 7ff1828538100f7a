// SPDX-License-Identifier: Apache-2.0
#include "nic/packet_pool.hpp"

#include <fmt/format.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_lcore.h>
#include <rte_mempool.h>

#include <algorithm>

#include "nic/sanitizer.hpp"

namespace bulkhead {
namespace {

// Buffers each thread keeps at hand: a few bursts, so that the shared ring is touched rarely.
constexpr uint32_t kThreadCache = 256;

/// Tells devices to find a packet's bytes at their virtual address.
void address_virtually(rte_mempool* /*pool*/, void* /*nothing*/, void* object, unsigned /*number*/) {
  auto* mbuf = static_cast<rte_mbuf*>(object);
  rte_mbuf_iova_set(mbuf, reinterpret_cast<rte_iova_t>(mbuf->buf_addr));
}

/// As rte_pktmbuf_pool_create, but for ordinary pages: there a pool would place one packet in each page of 4
/// KiB, lest one crosses to a page that lies elsewhere for the device. Without hugepages DPDK takes only
/// devices behind an IOMMU, and gives them the process's virtual addresses, in which pages follow each other.
/// Told not to mind pages, it leaves packets without any address for devices, which would then write to
/// nowhere.
rte_mempool* make_pool(const std::string& name, uint32_t packets, uint32_t cache, uint16_t room) {
  const bool hugepages = rte_eal_has_hugepages() != 0;
  const unsigned flags = hugepages ? 0 : RTE_MEMPOOL_F_NO_IOVA_CONTIG;
  rte_mempool* pool = rte_mempool_create_empty(name.c_str(), packets, sizeof(rte_mbuf) + room, cache,
                                               sizeof(rte_pktmbuf_pool_private), SOCKET_ID_ANY, flags);
  if (pool == nullptr) return nullptr;
  rte_pktmbuf_pool_private sizes{};
  sizes.mbuf_data_room_size = room;
  rte_pktmbuf_pool_init(pool, &sizes);
  if (const int populated = rte_mempool_populate_default(pool); populated < 0) {
    rte_errno = -populated;
    rte_mempool_free(pool);
    return nullptr;
  }
  rte_mempool_obj_iter(pool, rte_pktmbuf_init, nullptr);
  if (!hugepages) rte_mempool_obj_iter(pool, address_virtually, nullptr);
  return pool;
}

}  // namespace

void PacketPool::Release::operator()(rte_mempool* pool) const { rte_mempool_free(pool); }

Bytes PacketPool::footprint(uint32_t data_room) {
  rte_mempool_objsz size{};
  rte_mempool_calc_obj_size(sizeof(rte_mbuf) + RTE_PKTMBUF_HEADROOM + data_room, 0, &size);
  return Bytes{size.total_size + sizeof(void*)};  // the pointer stands in the pool's ring
}

uint32_t PacketPool::capacity_of(Bytes memory, uint32_t data_room) {
  // The pool's chunks end at page bounds and its ring is a power of two: leave a sixteenth for both.
  const uint64_t usable = memory.count() - memory.count() / 16;
  return static_cast<uint32_t>(std::min<uint64_t>(usable / footprint(data_room).count(), 1u << 24));
}

Result<PacketPool> PacketPool::create(const std::string& name, uint32_t packets, uint32_t data_room) {
  const auto room = static_cast<uint16_t>(data_room + RTE_PKTMBUF_HEADROOM);
  const uint32_t cache = std::min(kThreadCache, packets / 2);
  rte_mempool* pool = make_pool(name, packets, cache, room);
  if (pool == nullptr)
    return fail(
        fmt::format("packet memory: no room for {} packets of {} bytes ({}); "
                    "lower [appliance] memory or reserve more hugepages",
                    packets, data_room, rte_strerror(rte_errno)));
  return PacketPool(pool);
}

uint32_t PacketPool::capacity() const { return pool_->populated_size; }
uint32_t PacketPool::in_use() const { return rte_mempool_in_use_count(pool_.get()); }
uint32_t PacketPool::data_room() const {
  return rte_pktmbuf_data_room_size(pool_.get()) - static_cast<uint32_t>(RTE_PKTMBUF_HEADROOM);
}

Packet PacketPool::allocate() const {
  rte_mbuf* mbuf = rte_mbuf_raw_alloc(pool_.get());
  if (mbuf == nullptr) return Packet(nullptr);
  take_over_from_library(mbuf);
  rte_pktmbuf_reset(mbuf);
  return Packet(mbuf);
}

Packet PacketPool::allocate(std::span<const uint8_t> bytes) const {
  const Packet head = allocate();
  if (head.mbuf() == nullptr) return head;
  rte_mbuf* last = head.mbuf();
  while (true) {
    const auto part = static_cast<uint16_t>(std::min<std::size_t>(bytes.size(), rte_pktmbuf_tailroom(last)));
    std::copy_n(bytes.data(), part, rte_pktmbuf_mtod(last, uint8_t*));
    last->data_len = part;
    head.mbuf()->pkt_len += part;
    bytes = bytes.subspan(part);
    if (bytes.empty()) break;
    const Packet more = allocate();
    if (more.mbuf() == nullptr) {
      rte_pktmbuf_free(head.mbuf());
      return Packet(nullptr);
    }
    last = last->next = more.mbuf();
    ++head.mbuf()->nb_segs;
  }
  head.state() = PacketState{};
  head.state().buffers = buffers_of(head);
  return head;
}

Packet PacketPool::copy(Packet packet) const {
  rte_mbuf* mbuf = rte_pktmbuf_copy(packet.mbuf(), pool_.get(), 0, UINT32_MAX);
  if (mbuf == nullptr) return Packet(nullptr);
  take_over_from_library(mbuf);
  const Packet copied(mbuf);
  copied.state() = packet.state();
  copied.state().buffers = buffers_of(copied);
  return copied;
}

}  // namespace bulkhead
