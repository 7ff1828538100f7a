// SPDX-License-Identifier: Apache-2.0
#include "classifier/ready_set.hpp"

#include <array>
#include <atomic>
#include <catch2/catch.hpp>
#include <random>
#include <set>
#include <thread>
#include <vector>

using namespace bulkhead;

namespace {

std::vector<std::size_t> visited(const ReadySet& set, std::size_t& cursor, std::size_t most = SIZE_MAX) {
  std::vector<std::size_t> members;
  set.in_turn(cursor, [&](std::size_t member) {
    if (members.size() == most) return false;
    members.push_back(member);
    return true;
  });
  return members;
}

using Members = std::vector<std::size_t>;

}  // namespace

TEST_CASE("marks are set, seen and taken back one by one", "[ready_set]") {
  ReadySet set(130);
  CHECK(set.words() == 3);
  set.mark(0);
  set.mark(63);
  set.mark(64);
  set.mark(129);
  CHECK(set.marks(0) == (1 | uint64_t{1} << 63));
  CHECK(set.marks(1) == 1);
  CHECK(set.marks(2) == 2);
  set.unmark(63);
  CHECK(set.marks(0) == 1);
  set.mark_word(1, 0xf0);
  CHECK(set.marks(1) == 0xf1);
}

TEST_CASE("a set of nobody can be asked", "[ready_set]") {
  const ReadySet set(0);
  std::size_t cursor = 17;
  CHECK(visited(set, cursor).empty());
}

TEST_CASE("members are visited in turn, once around, from where the last call ended", "[ready_set]") {
  struct Row {
    const char* description;
    Members marked;
    std::size_t cursor;
    std::size_t most;
    Members expected;
    std::size_t next;
  };
  const std::vector<Row> rows{{"from the start", {1, 5, 70}, 0, SIZE_MAX, {1, 5, 70}, 71},
                              {"from the middle of a word", {1, 5, 70}, 5, SIZE_MAX, {5, 70, 1}, 2},
                              {"behind all of them", {1, 5, 70}, 71, SIZE_MAX, {1, 5, 70}, 71},
                              {"stopped, continues at the one refused", {1, 5, 70}, 0, 2, {1, 5}, 6},
                              {"none taken, stays", {1, 5, 70}, 3, 0, {}, 3},
                              {"the last bit of a word", {63, 64}, 63, SIZE_MAX, {63, 64}, 65},
                              {"the last member wraps", {127}, 0, SIZE_MAX, {127}, 128},
                              {"a cursor behind the end begins anew", {1, 127}, 128, SIZE_MAX, {1, 127}, 128},
                              {"nobody", {}, 9, SIZE_MAX, {}, 9}};
  for (const Row& row : rows) {
    INFO(row.description);
    ReadySet set(128);
    for (const std::size_t member : row.marked) set.mark(member);
    std::size_t cursor = row.cursor;
    CHECK(visited(set, cursor, row.most) == row.expected);
    CHECK(cursor == row.next);
  }
}

TEST_CASE("whatever is marked and wherever the turn is, each is visited once", "[ready_set]") {
  std::mt19937_64 random(11);
  for (int round = 0; round < 2'000; ++round) {
    const std::size_t size = 1 + random() % 300;
    ReadySet set(size);
    std::set<std::size_t> marked;
    for (std::size_t i = random() % 40; i > 0; --i) marked.insert(random() % size);
    for (const std::size_t member : marked) set.mark(member);
    std::size_t cursor = random() % 400;
    const Members seen = visited(set, cursor);
    if (seen.size() != marked.size() || std::set(seen.begin(), seen.end()) != marked) FAIL("round " << round);
  }
}

TEST_CASE("one visit at a time still comes around to everyone equally", "[ready_set]") {
  ReadySet set(200);
  for (const std::size_t member : {3u, 64u, 65u, 199u}) set.mark(member);
  std::size_t cursor = 0;
  std::array<int, 200> visits{};
  for (int call = 0; call < 400; ++call)
    for (const std::size_t member : visited(set, cursor, 1)) ++visits[member];
  for (const std::size_t member : {3u, 64u, 65u, 199u}) CHECK(visits[member] == 100);
}

TEST_CASE("between a producer and a consumer no work is forgotten", "[ready_set]") {
  constexpr std::size_t kMembers = 70;
  constexpr uint64_t kAll = 100'000;
  ReadySet set(kMembers);
  // Work is a number that the producer raises before it marks, and the consumer reads after it unmarked.
  std::array<std::atomic<uint64_t>, kMembers> produced{};
  std::array<uint64_t, kMembers> consumed{};
  std::atomic<bool> done{false};
  std::thread producer([&] {
    std::mt19937 random(5);
    for (uint64_t i = 0; i < kAll; ++i) {
      const std::size_t member = random() % kMembers;
      produced[member].fetch_add(1, std::memory_order_relaxed);
      set.mark(member);
    }
    done = true;
  });
  std::size_t cursor = 0;
  for (bool last = false; !last;) {
    last = done;  // once more around after the producer's end
    set.in_turn(cursor, [&](std::size_t member) {
      set.unmark(member);
      consumed[member] = produced[member].load(std::memory_order_relaxed);
      return true;
    });
  }
  producer.join();
  uint64_t sum = 0;
  for (const uint64_t count : consumed) sum += count;
  CHECK(sum == kAll);
}

TEST_CASE("bits are visited lowest first", "[ready_set]") {
  std::vector<uint32_t> seen;
  for_each_bit(uint64_t{1} << 63 | 0b1010, [&](uint32_t bit) { seen.push_back(bit); });
  CHECK(seen == std::vector<uint32_t>{1, 3, 63});
  for_each_bit(0, [](uint32_t) { FAIL("no bit is set"); });
}
