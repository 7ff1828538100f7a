// SPDX-License-Identifier: Apache-2.0
#include "shaper/tag_ring.hpp"

#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <map>
#include <random>
#include <set>

using namespace bulkhead;

TEST_CASE("a ring gives its members by bucket, around the circle and the wrap of tags", "[tag_ring]") {
  constexpr uint16_t kMembers = 300;
  constexpr unsigned kShift = 7;
  const std::size_t buckets = GENERATE(std::size_t{64}, std::size_t{4096}, BucketCircle::kMost);
  uint64_t base = GENERATE(uint64_t{0}, UINT64_MAX - 100'000'000);
  std::mt19937_64 random(buckets);
  TagRing ring(buckets, kShift);
  std::array<uint16_t, kMembers> next;
  std::multimap<uint64_t, uint16_t> reference;  // bucket, counted from the first base -> member
  const uint64_t start = base;
  std::set<uint16_t> absent;
  for (uint16_t member = 0; member < kMembers; ++member) absent.insert(member);
  for (int step = 0; step < 30'000; ++step) {
    if (!absent.empty() && random() % 2 == 0) {
      const uint16_t member = *absent.begin();
      absent.erase(absent.begin());
      const uint64_t tag = base + random() % ((buckets - 1) << kShift);
      ring.push(tag, member, next[member]);
      reference.emplace((tag >> kShift) - (start >> kShift) & (~uint64_t{0} >> kShift), member);
    } else if (!reference.empty()) {
      const uint64_t bucket = ring.first() >> kShift;
      REQUIRE((bucket - (start >> kShift) & (~uint64_t{0} >> kShift)) == reference.begin()->first);
      const uint16_t member = ring.top();
      ring.pop(next[member]);
      const auto [low, high] = reference.equal_range(reference.begin()->first);
      const auto found = std::find_if(low, high, [&](const auto& each) { return each.second == member; });
      REQUIRE(found != high);
      base = std::max(base - start, reference.begin()->first << kShift) + start;
      reference.erase(found);
      absent.insert(member);
    }
    REQUIRE(ring.empty() == reference.empty());
  }
}

TEST_CASE("a tag more than one turn ahead goes into the last bucket", "[tag_ring]") {
  TagRing ring(64, 0);
  std::array<uint16_t, 3> next;
  ring.push(10, 0, next[0]);
  ring.push(1'000, 1, next[1]);
  ring.push(12, 2, next[2]);
  for (const int expected : {0, 2, 1}) {
    (void)ring.first();
    CHECK(ring.top() == expected);
    ring.pop(next[ring.top()]);
  }
  CHECK(ring.empty());
}
