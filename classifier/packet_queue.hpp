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
/// Smaller than rte_ring (two cache lines beside the slots, of which a side touches one), because an
/// appliance has several for each of thousands of slices: the cost at many slices is the number of lines
/// touched.
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
    const uint32_t head = consumer_.head.load(std::memory_order_acquire);
    return std::min(producer_.tail.load(std::memory_order_acquire) - head, capacity());
  }
  [[nodiscard]] bool empty() const { return size() == 0; }
  [[nodiscard]] uint32_t capacity() const { return producer_.mask + 1; }

  /// Fetches the lines that the next `pop` reads.
  void prefetch_for_pop() const {
    __builtin_prefetch(&consumer_);
    __builtin_prefetch(&producer_);
  }
  void prefetch_for_push() const { __builtin_prefetch(&producer_, 1); }

 private:
  // Each side keeps its own copy of what never changes, and of how far it last saw the other: the other
  // side's line is read only when the queue looks full or empty.
  struct alignas(64) Producer {
    std::atomic<uint32_t> tail{0};  // producer: writes, consumer: reads
    uint32_t seen_head = 0;
    uint32_t mask = 0;
    Packet* slots = nullptr;
  };
  struct alignas(64) Consumer {
    std::atomic<uint32_t> head{0};  // consumer: writes, producer: reads
    uint32_t seen_tail = 0;
    uint32_t mask = 0;
    Packet* slots = nullptr;
  };

  Producer producer_;
  Consumer consumer_;
  std::unique_ptr<Packet[]> slots_;
};

inline uint32_t PacketQueue::push(std::span<const Packet> packets) {
  const uint32_t tail = producer_.tail.load(std::memory_order_relaxed);
  const uint32_t capacity = producer_.mask + 1;
  const auto wanted = static_cast<uint32_t>(packets.size());
  if (capacity - (tail - producer_.seen_head) < wanted)
    producer_.seen_head = consumer_.head.load(std::memory_order_acquire);
  const uint32_t room = capacity - (tail - producer_.seen_head);
  const uint32_t taken = wanted < room ? wanted : room;
  // In one piece but for the wrap, so that the loops know no mask.
  const uint32_t at = tail & producer_.mask;
  const uint32_t before_wrap = std::min(taken, capacity - at);
  copy_packets(packets.data(), before_wrap, producer_.slots + at);
  copy_packets(packets.data() + before_wrap, taken - before_wrap, producer_.slots);
  producer_.tail.store(tail + taken, std::memory_order_release);
  return taken;
}

inline uint32_t PacketQueue::pop(Packet* to, uint32_t most) {
  const uint32_t head = consumer_.head.load(std::memory_order_relaxed);
  if (consumer_.seen_tail - head < most) consumer_.seen_tail = producer_.tail.load(std::memory_order_acquire);
  const uint32_t available = consumer_.seen_tail - head;
  const uint32_t taken = most < available ? most : available;
  const uint32_t at = head & consumer_.mask;
  const uint32_t before_wrap = std::min(taken, consumer_.mask + 1 - at);
  copy_packets(consumer_.slots + at, before_wrap, to);
  copy_packets(consumer_.slots, taken - before_wrap, to + before_wrap);
  consumer_.head.store(head + taken, std::memory_order_release);
  return taken;
}

}  // namespace bulkhead
