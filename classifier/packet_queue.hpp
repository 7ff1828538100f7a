// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <span>

#include "nic/packet.hpp"

namespace bulkhead {

/// A bounded first-in-first-out queue of packets between one producer and one consumer at a time. Which
/// threads those are may change, when the claim that guards a side changes hands. Owns what is in it.
///
/// Made for an appliance that has several for each of thousands of slices, where the cost is the number of
/// cache lines touched. rte_ring has three besides its slots, and walks through all slots, so that after some
/// hundred packets none is in the cache any more. Here both ends stand in half a line, that whoever holds the
/// queue places beside what is touched with it, and a queue that was found empty starts over at its first
/// slot. Where the two sides are on different cores, each step moves that one line.
class PacketQueue {
 public:
  /// `capacity` is rounded up to a power of two.
  explicit PacketQueue(uint32_t capacity);
  PacketQueue(const PacketQueue&) = delete;
  PacketQueue& operator=(const PacketQueue&) = delete;
  ~PacketQueue() { drain(); }

  /// Producer: takes over as many of the packets as there is room for, the first n, and returns n.
  [[nodiscard]] uint32_t push(std::span<const Packet> packets);

  /// Consumer: moves up to `most` packets to `to`, which has room for them; returns how many.
  uint32_t pop(Packet* to, uint32_t most);

  /// Consumer: frees everything, and says how many packets that were.
  uint32_t drain();

  /// Any thread; between its two ends' steps a moment old.
  [[nodiscard]] uint32_t size() const {
    // The head first: the other way round it could have overtaken the tail that was read, and the size be
    // four billion. This way both may have moved on, and the size be more than there is room for.
    const uint32_t head = head_.load(std::memory_order_acquire);
    return std::min(end_.load(std::memory_order_acquire).tail - head, capacity());
  }
  [[nodiscard]] bool empty() const { return size() == 0; }
  [[nodiscard]] uint32_t capacity() const { return mask_ + 1; }

 private:
  /// Packets are numbered as they come. The producer moves `origin` only while the queue is empty, and says
  /// so together with the next packet: no packet is ever looked for in another slot than it was put in.
  struct alignas(8) End {
    uint32_t tail = 0;    // the next packet's number
    uint32_t origin = 0;  // the number of the packet in the first slot
  };
  static_assert(std::atomic<End>::is_always_lock_free);

  std::atomic<End> end_{End{}};    // producer: writes, consumer: reads
  std::atomic<uint32_t> head_{0};  // the number of the first packet; consumer: writes, producer: reads
  uint32_t mask_;
  std::unique_ptr<Packet[]> slots_;
};
static_assert(sizeof(PacketQueue) == 24);

inline uint32_t PacketQueue::push(std::span<const Packet> packets) {
  End end = end_.load(std::memory_order_relaxed);
  const uint32_t head = head_.load(std::memory_order_acquire);
  if (head == end.tail) end.origin = head;
  const auto taken =
      static_cast<uint32_t>(std::min<std::size_t>(packets.size(), capacity() - (end.tail - head)));
  // In one piece but for the wrap, so that the loops know no mask.
  const uint32_t at = (end.tail - end.origin) & mask_;
  const uint32_t before_wrap = std::min(taken, capacity() - at);
  copy_packets(packets.data(), before_wrap, slots_.get() + at);
  copy_packets(packets.data() + before_wrap, taken - before_wrap, slots_.get());
  end.tail += taken;
  end_.store(end, std::memory_order_release);
  return taken;
}

inline uint32_t PacketQueue::pop(Packet* to, uint32_t most) {
  const End end = end_.load(std::memory_order_acquire);
  const uint32_t head = head_.load(std::memory_order_relaxed);
  const uint32_t taken = std::min(most, end.tail - head);
  if (taken == 0) return 0;
  const uint32_t at = (head - end.origin) & mask_;
  const uint32_t before_wrap = std::min(taken, capacity() - at);
  copy_packets(slots_.get() + at, before_wrap, to);
  copy_packets(slots_.get(), taken - before_wrap, to + before_wrap);
  head_.store(head + taken, std::memory_order_release);
  return taken;
}

}  // namespace bulkhead
