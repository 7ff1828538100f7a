// SPDX-License-Identifier: Apache-2.0
#include "shaper/placement.hpp"

#include <catch2/catch.hpp>
#include <random>

#include "shaper/cpu_share.hpp"

using namespace bulkhead;

namespace {

using Homes = std::vector<std::size_t>;

SliceLoad reserved(uint32_t reserve, std::optional<std::size_t> home = std::nullopt) {
  return {.reserve = reserve, .used = 0, .home = home};
}
SliceLoad using_up(uint32_t used, std::size_t home, uint32_t reserve = 0) {
  return {.reserve = reserve, .used = used, .home = home};
}

uint64_t gap(const std::vector<SliceLoad>& slices, std::size_t workers) {
  std::vector<uint64_t> used(workers);
  for (const SliceLoad& slice : slices) used[*slice.home] += slice.used;
  const auto [least, most] = std::ranges::minmax(used);
  return most - least;
}

}  // namespace

TEST_CASE("new slices go where the least is reserved, the largest first", "[placement]") {
  CHECK(place_new(std::vector{reserved(3000), reserved(7000), reserved(4000), reserved(5000)}, 2) ==
        Homes{0, 0, 1, 1});
  CHECK(place_new(std::vector{reserved(100), reserved(100)}, 1) == Homes{0, 0});
  CHECK(place_new({}, 2).empty());
}

TEST_CASE("who has no room left beside those before it is found", "[placement]") {
  const std::vector slices{reserved(6000), reserved(4000), reserved(6000), reserved(1)};
  CHECK_FALSE(first_without_room(slices, Homes{0, 0, 1, 1}, 2));
  CHECK(first_without_room(slices, Homes{0, 0, 1, 0}, 2) == 3u);
  CHECK(first_without_room(slices, Homes{0, 1, 1, 0}, 2) == std::nullopt);
  CHECK(first_without_room(slices, Homes{0, 1, 0, 1}, 2) == 2u);
}

TEST_CASE("slices without a reserve are spread by number", "[placement]") {
  CHECK(place_new(std::vector(5, reserved(0)), 2) == Homes{0, 1, 0, 1, 0});
}

TEST_CASE("a slice that has a home keeps it, and counts there", "[placement]") {
  CHECK(place_new(std::vector{reserved(1000), reserved(5000, 1), reserved(2000), reserved(2000)}, 2) ==
        Homes{0, 1, 0, 0});
}

TEST_CASE("the slice moves that evens the load out most", "[placement]") {
  const std::vector slices{using_up(1000, 0), using_up(3000, 0), using_up(4500, 0), using_up(500, 1)};
  // The gap is 8000: moving 4500 leaves 1000, moving 3000 leaves 2000.
  CHECK(better_place(slices, 2) == SliceMove{.slice = 2, .worker = 1});
}

TEST_CASE("nothing moves for little", "[placement]") {
  CHECK_FALSE(better_place(std::vector{using_up(900, 0), using_up(0, 1)}, 2));
  CHECK_FALSE(better_place(std::vector{using_up(9000, 0), using_up(0, 1)}, 2));  // would only change places
  CHECK_FALSE(better_place(std::vector{using_up(5400, 0), using_up(5000, 1)}, 2));
  CHECK_FALSE(better_place(std::vector{using_up(9000, 0), using_up(500, 0)}, 1));
}

TEST_CASE("nothing moves to where its reserve does not fit", "[placement]") {
  std::vector slices{using_up(4000, 0, 3000), using_up(4000, 0, 1000), using_up(0, 1, 8000)};
  CHECK(better_place(slices, 2) == SliceMove{.slice = 1, .worker = 1});
  slices[1].reserve = 2500;
  CHECK_FALSE(better_place(slices, 2));
}

TEST_CASE("moves come to an end, and each narrows the gap", "[placement]") {
  std::mt19937 random(7);  // NOLINT(cert-msc51-cpp): the same cases every time
  for (int run = 0; run < 500; ++run) {
    const std::size_t workers = 1 + random() % 4;
    std::vector<SliceLoad> slices(1 + random() % 20);
    for (SliceLoad& slice : slices)
      slice = using_up(static_cast<uint32_t>(random() % 4000), random() % workers);
    int moves = 0;
    while (const auto move = better_place(slices, workers)) {
      const uint64_t busiest_before = gap(slices, workers);
      slices[move->slice].home = move->worker;
      CHECK(gap(slices, workers) <= busiest_before);
      REQUIRE(++moves < 100);
    }
  }
}
