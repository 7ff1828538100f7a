// SPDX-License-Identifier: Apache-2.0
#include "shaper/departures.hpp"

#include <catch2/catch.hpp>

using namespace bulkhead;

TEST_CASE("who departs is summed by bucket", "[departures]") {
  Departures departures(64, 4);
  CHECK(departures.empty());
  uint64_t a = 35, b = 47, c = 48;
  (void)departures.add(c, 100);
  (void)departures.add(a, 2);
  (void)departures.add(b, 10);
  CHECK(departures.first() == 32);
  const Departures::Sum sum = departures.take_first();
  CHECK(sum.weight == 12);
  CHECK(sum.owed == 2 * 3 + 10 * 15);
  CHECK(departures.first() == 48);
  CHECK(departures.take_first().weight == 100);
  CHECK(departures.empty());
}

TEST_CASE("who stays is not counted, and a bucket that nobody is left in is not there", "[departures]") {
  Departures departures(64, 4);
  uint64_t a = 35, b = 40;
  const uint64_t ticket_a = departures.add(a, 2);
  const uint64_t ticket_b = departures.add(b, 10);
  REQUIRE(departures.holds(a, ticket_a));
  departures.cancel(a, 2);
  CHECK(departures.first() == 32);
  REQUIRE(departures.holds(b, ticket_b));
  departures.cancel(b, 10);
  CHECK(departures.empty());
}

TEST_CASE("who has gone is not held, however often the circle has turned since", "[departures]") {
  Departures departures(64, 0);
  uint64_t tag = 5;
  const uint64_t ticket = departures.add(tag, 7);
  (void)departures.first();
  (void)departures.take_first();
  CHECK_FALSE(departures.holds(5, ticket));
  for (uint64_t turn = 1; turn < 4; ++turn) {
    uint64_t later = 5 + 64 * turn;
    (void)departures.add(later, 7);
    CHECK_FALSE(departures.holds(5, ticket));
    CHECK(departures.first() == later);
    CHECK(departures.take_first().weight == 7);
  }
}

TEST_CASE("a tag beyond the circle is brought forward, and found there", "[departures]") {
  Departures departures(64, 0);
  uint64_t near = 10;
  uint64_t far = 500;
  (void)departures.add(near, 1);
  const uint64_t ticket = departures.add(far, 3);
  CHECK(far == 73);
  REQUIRE(departures.holds(far, ticket));
  departures.cancel(far, 3);
  (void)departures.first();
  CHECK(departures.take_first().weight == 1);
  CHECK(departures.empty());
}
