// SPDX-License-Identifier: Apache-2.0
#include "classifier/packet_queue.hpp"

#include <array>
#include <atomic>
#include <catch2/catch.hpp>
#include <thread>
#include <vector>

#include "tests/support/eal.hpp"
#include "tests/support/frames.hpp"

using namespace bulkhead;
using namespace bulkhead::test;

namespace {

/// Handles that no buffer stands behind: a queue does not look into its packets.
Packet counterfeit(uintptr_t number) { return Packet(reinterpret_cast<rte_mbuf*>(number)); }
uintptr_t number_of_counterfeit(Packet packet) { return reinterpret_cast<uintptr_t>(packet.mbuf()); }

}  // namespace

TEST_CASE("a queue's capacity is the next power of two", "[packet_queue]") {
  CHECK(PacketQueue(0).capacity() == 1);
  CHECK(PacketQueue(1).capacity() == 1);
  CHECK(PacketQueue(16).capacity() == 16);
  CHECK(PacketQueue(17).capacity() == 32);
}

TEST_CASE("a full queue takes the first that fit, and an empty one gives none", "[packet_queue]") {
  PacketQueue queue(4);
  std::array<Packet, 6> in;
  for (uintptr_t i = 0; i < in.size(); ++i) in[i] = counterfeit(i + 1);
  CHECK(queue.empty());
  CHECK(queue.push(in) == 4);
  CHECK(queue.size() == 4);
  CHECK(queue.push(in) == 0);
  CHECK(queue.push({}) == 0);
  std::array<Packet, 6> out;
  CHECK(queue.pop(out.data(), 3) == 3);
  CHECK(number_of_counterfeit(out[0]) == 1);
  CHECK(number_of_counterfeit(out[2]) == 3);
  CHECK(queue.pop(out.data(), 6) == 1);
  CHECK(number_of_counterfeit(out[0]) == 4);
  CHECK(queue.pop(out.data(), 6) == 0);
  CHECK(queue.empty());
}

TEST_CASE("order holds across every wrap-around", "[packet_queue]") {
  PacketQueue queue(8);
  uintptr_t pushed = 0;
  uintptr_t popped = 0;
  for (uint32_t round = 0; round < 10'000; ++round) {
    std::array<Packet, 8> some;
    const uint32_t wanted = 1 + round * 7 % 8;
    for (uint32_t i = 0; i < wanted; ++i) some[i] = counterfeit(pushed + i + 1);
    pushed += queue.push(std::span(some).first(wanted));
    const uint32_t taken = queue.pop(some.data(), 1 + round * 5 % 8);
    for (uint32_t i = 0; i < taken; ++i)
      if (number_of_counterfeit(some[i]) != ++popped) FAIL("round " << round);
    if (queue.size() != pushed - popped) FAIL("size in round " << round);
  }
  for (Packet last; queue.pop(&last, 1) == 1;) CHECK(number_of_counterfeit(last) == ++popped);
  CHECK(popped == pushed);
}

TEST_CASE("a queue that was empty starts over anywhere, and packets left in it keep their places",
          "[packet_queue]") {
  for (uint32_t first = 0; first <= 8; ++first) {
    for (uint32_t left = 0; left <= first; ++left) {
      INFO(first << " pushed, " << left << " left when eight more come");
      PacketQueue queue(8);
      std::array<Packet, 16> some;
      for (uintptr_t i = 0; i < some.size(); ++i) some[i] = counterfeit(i + 1);
      CHECK(queue.push(std::span(some).first(first)) == first);
      std::array<Packet, 16> out;
      CHECK(queue.pop(out.data(), first - left) == first - left);
      CHECK(queue.push(std::span(some).subspan(first, 8)) == 8 - left);
      CHECK(queue.pop(out.data() + first - left, 16) == 8);
      for (uintptr_t i = 0; i < first + 8 - left; ++i) CHECK(number_of_counterfeit(out[i]) == i + 1);
    }
  }
}

TEST_CASE("what is left in a queue is freed with it, or before on demand", "[packet_queue]") {
  const PacketPool pool = make_pool();
  std::vector<Packet> packets;
  for (uint32_t i = 0; i < 200; ++i) packets.push_back(packet_of(pool, numbered(i)));
  {
    PacketQueue queue(256);
    CHECK(queue.push(std::span(packets).first(150)) == 150);
    CHECK(queue.drain() == 150);
    CHECK(queue.drain() == 0);
    CHECK(pool.in_use() == 50);
    CHECK(queue.push(std::span(packets).last(50)) == 50);
  }
  CHECK(pool.in_use() == 0);
}

TEST_CASE("two threads keep order and lose nothing, while a third sees sensible sizes", "[packet_queue]") {
  constexpr uintptr_t kAll = 300'000;
  PacketQueue queue(64);
  std::atomic<bool> done{false};
  std::atomic<uint32_t> largest{0};
  std::thread producer([&] {
    for (uintptr_t next = 1; next <= kAll;) {
      std::array<Packet, 32> some;
      const auto count = static_cast<uint32_t>(std::min<uintptr_t>(some.size(), kAll - next + 1));
      for (uint32_t i = 0; i < count; ++i) some[i] = counterfeit(next + i);
      const uint32_t taken = queue.push(std::span(some).first(count));
      if (taken == 0) std::this_thread::yield();
      next += taken;
    }
  });
  std::thread observer([&] {
    while (!done) largest = std::max(largest.load(), queue.size());
  });
  uintptr_t last = 0;
  bool ordered = true;
  while (last < kAll) {
    std::array<Packet, 24> some;
    const uint32_t taken = queue.pop(some.data(), static_cast<uint32_t>(some.size()));
    if (taken == 0) std::this_thread::yield();
    for (uint32_t i = 0; i < taken; ++i) ordered = ordered && number_of_counterfeit(some[i]) == ++last;
  }
  done = true;
  producer.join();
  observer.join();
  CHECK(ordered);
  CHECK(queue.empty());
  CHECK(largest <= queue.capacity());
}
