// SPDX-License-Identifier: Apache-2.0
#include "shaper/bucket_circle.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <random>
#include <set>

using namespace bulkhead;

TEST_CASE("the first bucket in use is found, around the circle and the wrap of tags", "[bucket_circle]") {
  constexpr unsigned kShift = 7;
  const std::size_t buckets =
      GENERATE(std::size_t{64}, std::size_t{128}, std::size_t{4096}, BucketCircle::kMost);
  uint64_t base = GENERATE(uint64_t{0}, UINT64_MAX - 100'000'000);
  std::mt19937_64 random(buckets);
  BucketCircle circle(buckets, kShift);
  std::set<uint64_t> used;  // borders, as distances from the first base
  const uint64_t start = base >> kShift << kShift;
  for (int step = 0; step < 30'000; ++step) {
    if (random() % 2 == 0) {
      uint64_t tag = base + random() % ((buckets - 1) << kShift);
      const uint64_t wanted = tag;
      circle.mark(circle.admit(tag));
      REQUIRE(tag == wanted);
      used.insert(circle.border_of(tag) - start);
    } else if (!used.empty()) {
      REQUIRE(circle.first() - start == *used.begin());
      REQUIRE(circle.first_slot() == circle.slot_of(circle.first()));
      circle.unmark(circle.first_slot());
      base = start + std::max(base - start, *used.begin());
      used.erase(used.begin());
    }
    REQUIRE(circle.empty() == used.empty());
  }
}

TEST_CASE("a tag beyond the circle is brought forward to the last bucket", "[bucket_circle]") {
  BucketCircle circle(64, 4);
  uint64_t first = 165;
  circle.mark(circle.admit(first));
  uint64_t far = 165 + 64 * 16;
  const std::size_t slot = circle.admit(far);
  CHECK(far == 160 + 63 * 16);
  CHECK(slot == circle.slot_of(far));
  circle.mark(slot);
  CHECK(circle.first() == 160);
  circle.unmark(circle.first_slot());
  CHECK(circle.first() == far);
}
