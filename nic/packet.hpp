// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <rte_mbuf.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>

#include "nic/frame_view.hpp"
#include "nic/units.hpp"
#include "nic/wire.hpp"

namespace bulkhead {

/// What Bulkhead remembers of a packet on its way through the appliance. Lives inside the packet buffer.
struct PacketState {
  Cycles arrival;            // when the burst it came with was received
  Vlan vlan;                 // of the outermost tag, as the frame stands now
  uint8_t pcp = 0;           // of the outermost tag, or the priority it was given
  uint8_t buffers = 1;       // of the packet pool that hold it, 255 for more; right once it has its slice
  uint32_t length = 0;       // bytes, as counted
  rte_mbuf* next = nullptr;  // of whatever list the packet stands in
};
static_assert(sizeof(PacketState) == 24);

/// A handle on one packet buffer; it does not own (a Burst or a queue does). A frame is one or more segments,
/// always with its VLAN tags in the data, never with a tag on the side. Made without a buffer it is undefined
/// until it is assigned: arrays of Packets are filled by DPDK, and clearing them first is work for nothing.
class Packet {
 public:
  Packet() = default;
  explicit Packet(rte_mbuf* mbuf) : mbuf_(mbuf) {}
  [[nodiscard]] rte_mbuf* mbuf() const { return mbuf_; }

  [[nodiscard]] uint8_t* data() const { return rte_pktmbuf_mtod(mbuf_, uint8_t*); }
  /// Bytes of the frame, all segments together.
  [[nodiscard]] uint32_t length() const { return mbuf_->pkt_len; }
  [[nodiscard]] uint32_t segments() const { return mbuf_->nb_segs; }

  [[nodiscard]] FrameView view() const {
    if (mbuf_->nb_segs == 1) [[likely]]
      return {data(), mbuf_->pkt_len};
    return {data(), mbuf_->data_len, mbuf_->pkt_len, mbuf_, &read_across};
  }

  [[nodiscard]] PacketState& state() const {
    return *reinterpret_cast<PacketState*>(reinterpret_cast<uint8_t*>(mbuf_) + kStateOffset);
  }

  /// The packet behind this one, in whatever list both stand.
  [[nodiscard]] Packet next() const { return Packet{state().next}; }
  void set_next(Packet packet) const { state().next = packet.mbuf_; }

  /// Whether a flow rule has put a number on the packet (FlowAction::Kind::mark), as its driver has it.
  [[nodiscard]] bool is_marked() const { return (mbuf_->ol_flags & RTE_MBUF_F_RX_FDIR_ID) != 0; }
  /// The number. Requires: is_marked().
  [[nodiscard]] uint32_t mark() const { return mbuf_->hash.fdir.hi; }

  /// Makes room for `size` bytes before the frame and returns its new start; null where there is none left.
  [[nodiscard]] uint8_t* prepend(uint16_t size) const {
    return reinterpret_cast<uint8_t*>(rte_pktmbuf_prepend(mbuf_, size));
  }
  /// Takes `size` bytes off the start. Requires: the first segment is longer than that.
  void trim_front(uint16_t size) const { rte_pktmbuf_adj(mbuf_, size); }

  /// Where the state lies in the buffer: inside dynfield1, at the multiple of 8 within it. Reserved for
  /// Bulkhead by `reserve_packet_state`.
  static constexpr std::size_t kStateOffset = (offsetof(rte_mbuf, dynfield1) + 7) / 8 * 8;

 private:
  static const uint8_t* read_across(const void* segments, uint32_t offset, uint32_t size, uint8_t* scratch);

  rte_mbuf* mbuf_;
};
static_assert(std::is_trivially_default_constructible_v<Packet>);
static_assert(Packet::kStateOffset + sizeof(PacketState) <= sizeof(rte_mbuf));

/// What PacketState::buffers says of a packet.
[[nodiscard]] inline uint8_t buffers_of(Packet packet) {
  return static_cast<uint8_t>(packet.segments() < UINT8_MAX ? packet.segments() : UINT8_MAX);
}

/// Copies handles, each by a store of its own. They are read one by one soon after, and a processor forwards
/// a store to a load only where the store had all of it: after a wide copy each load waits for the cache
/// (measured: eleven cycles a packet on its way through three queues). Atomic stores are never joined.
inline void copy_packets(const Packet* from, uint32_t count, Packet* to) {
  for (uint32_t i = 0; i < count; ++i) std::atomic_ref(to[i]).store(from[i], std::memory_order_relaxed);
}

/// Returns packets to the pools they came from. Any registered thread, or the main thread.
void free_packets(std::span<const Packet> packets);

/// Up to kCapacity packets, owned: what is still in it at the end is freed.
template <uint32_t capacity>
class BurstOf {
 public:
  static constexpr uint32_t kCapacity = capacity;

  BurstOf() = default;
  BurstOf(const BurstOf&) = delete;
  BurstOf& operator=(const BurstOf&) = delete;
  ~BurstOf() {
    if (!empty()) free_packets(span());
  }

  [[nodiscard]] uint32_t size() const { return size_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }
  [[nodiscard]] uint32_t room() const { return kCapacity - size_; }
  Packet operator[](uint32_t i) const { return packets_[i]; }
  [[nodiscard]] std::span<const Packet> span() const { return {packets_.data(), size_}; }

  /// Takes over a packet. Requires: room() > 0.
  void push_back(Packet packet) { packets_[size_++] = packet; }
  /// Room to write up to kCapacity packets; follow with `resize`.
  [[nodiscard]] Packet* raw() { return packets_.data(); }
  void resize(uint32_t size) { size_ = size; }
  /// Forgets the packets, which someone else owns now.
  void release() { size_ = 0; }

 private:
  uint32_t size_ = 0;
  std::array<Packet, kCapacity> packets_;
};

/// What is received and forwarded together.
using Burst = BurstOf<64>;

}  // namespace bulkhead
