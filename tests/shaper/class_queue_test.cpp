// SPDX-License-Identifier: Apache-2.0
#include "shaper/class_queue.hpp"

#include <catch2/catch.hpp>

#include "tests/support/eal.hpp"
#include "tests/support/frames.hpp"

using namespace bulkhead;
using namespace bulkhead::test;

namespace {

/// Queues of a slice, and the packets for them.
struct Bench {
  explicit Bench(const ClassQueues::Plan& plan, uint32_t packets = 4095)
      : pool(make_pool(packets)), queues(plan) {}
  ~Bench() {
    for (uint32_t number = 0; number < kMaxClasses; ++number) take(number, UINT32_MAX);
  }

  /// Offers packets of 60 bytes (84 on the wire); returns how many found room.
  uint32_t offer(uint32_t number, uint32_t count) {
    uint32_t taken = 0;
    for (uint32_t i = 0; i < count; ++i) {
      const Packet packet = packet_of(pool, numbered(next_++));
      if (queues.push(number, packet)) {
        ++taken;
      } else {
        free_packets({&packet, 1});
      }
    }
    return taken;
  }
  std::vector<uint32_t> take(uint32_t number, uint32_t most) {
    std::vector<uint32_t> numbers;
    while (!queues.at(number).empty() && numbers.size() < most) {
      const Packet packet = queues.pop(number);
      numbers.push_back(number_of(bytes_of(packet)));
      free_packets({&packet, 1});
    }
    return numbers;
  }

  PacketPool pool;
  ClassQueues queues;

 private:
  uint32_t next_ = 0;
};

}  // namespace

TEST_CASE("first in, first out, and every byte is accounted for", "[class_queue]") {
  Bench bench({.places = 100});
  CHECK(bench.offer(2, 3) == 3);
  CHECK(bench.offer(5, 1) == 1);
  CHECK(bench.queues.at(2).packets() == 3);
  CHECK(bench.queues.at(2).bytes() == Bytes{3 * 84});
  CHECK(bench.take(2, 2) == std::vector<uint32_t>{0, 1});
  CHECK(bench.offer(2, 1) == 1);
  CHECK(bench.take(2, 9) == std::vector<uint32_t>{2, 4});
  CHECK(bench.queues.at(2).bytes() == Bytes{0});
  CHECK(bench.take(5, 9) == std::vector<uint32_t>{3});
  CHECK(bench.pool.in_use() == 0);
}

TEST_CASE("a queue ends where its limit says", "[class_queue]") {
  ClassQueues::Plan plan{.places = 1000};
  plan.limits[0] = QueueLimit::of_packets(5);
  plan.limits[1] = QueueLimit::of_bytes(Bytes{84 * 7 + 83});
  plan.limits[2] = QueueLimit::shared();
  Bench bench(plan);
  CHECK(bench.offer(0, 20) == 5);
  CHECK(bench.offer(1, 20) == 7);
  CHECK(bench.offer(2, 2000) < 1000);
  CHECK(bench.take(0, 1).size() == 1);
  CHECK(bench.offer(0, 20) == 1);
}

TEST_CASE("a class that is full leaves places to the others", "[class_queue]") {
  Bench bench({.places = 64});
  CHECK(bench.offer(0, 500) == 32);
  CHECK(bench.offer(1, 500) == 16);
  CHECK(bench.offer(2, 500) == 8);
  CHECK(bench.take(0, 32).size() == 32);
  CHECK(bench.offer(2, 500) == 16);  // it had 8, and 40 were free: now it has as many as are left
}

TEST_CASE("a class without a limit of its own never holds more than the longest", "[class_queue]") {
  Bench bench({.places = 1'000'000});
  CHECK(bench.offer(7, QueueLimit::kLongest + 10) == QueueLimit::kLongest);
}

TEST_CASE("all together never hold more than there are places", "[class_queue]") {
  ClassQueues::Plan plan{.places = 10};
  for (QueueLimit& limit : plan.limits) limit = QueueLimit::of_packets(8);
  Bench bench(plan);
  CHECK(bench.offer(0, 9) == 8);
  CHECK(bench.offer(1, 9) == 2);
  CHECK(bench.offer(2, 9) == 0);
}
