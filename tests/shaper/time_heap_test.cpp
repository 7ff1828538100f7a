// SPDX-License-Identifier: Apache-2.0
#include "shaper/time_heap.hpp"

#include <catch2/catch.hpp>
#include <map>
#include <random>

using namespace bulkhead;

TEST_CASE("a heap gives its members by time, across the wrap of the clock", "[time_heap]") {
  constexpr uint16_t kMembers = 200;
  const uint64_t base = GENERATE(uint64_t{0}, UINT64_MAX - 500);
  std::mt19937_64 random(1);
  TimeHeap heap(kMembers);
  std::map<uint16_t, uint64_t> reference;  // member -> time, less base
  for (int step = 0; step < 20'000; ++step) {
    const auto member = static_cast<uint16_t>(random() % kMembers);
    REQUIRE(heap.contains(member) == reference.contains(member));
    if (!heap.contains(member)) {
      reference[member] = random() % 1000;
      heap.push(member, base + reference[member]);
    } else if (step % 3 == 0) {
      heap.remove(member);
      reference.erase(member);
    } else {
      const uint16_t first = heap.first();
      REQUIRE(heap.first_time() == base + reference.at(first));
      for (const auto& [other, time] : reference) REQUIRE(time >= reference.at(first));
      heap.pop();
      reference.erase(first);
    }
    REQUIRE(heap.empty() == reference.empty());
  }
}
