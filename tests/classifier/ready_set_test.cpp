// SPDX-License-Identifier: Apache-2.0
#include "classifier/ready_set.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <random>
#include <set>
#include <thread>
#include <vector>

using namespace bulkhead;

namespace {

std::vector<std::size_t> taken(ReadySet& set, std::size_t& cursor, std::size_t most = 512) {
  std::vector<std::size_t> members(most);
  members.resize(set.take(cursor, members));
  return members;
}

using Members = std::vector<std::size_t>;

}  // namespace

TEST_CASE("marks are set and seen one by one", "[ready_set]") {
  ReadySet set(130);
  CHECK(set.words() == 3);
  set.mark(0);
  set.mark(63);
  set.mark(64);
  set.mark(129);
  CHECK(set.marks(0) == (1 | uint64_t{1} << 63));
  CHECK(set.marks(1) == 1);
  CHECK(set.marks(2) == 2);
  set.mark_word(1, 0xf0);
  CHECK(set.marks(1) == 0xf1);
}

TEST_CASE("a set of nobody can be asked", "[ready_set]") {
  ReadySet set(0);
  std::size_t cursor = 17;
  CHECK(taken(set, cursor).empty());
}

TEST_CASE("marks are taken in turn, once around, from where the last call ended", "[ready_set]") {
  struct Row {
    const char* description;
    Members marked;
    std::size_t cursor;
    std::size_t most;
    Members expected;
    std::size_t next;
  };
  const std::vector<Row> rows{{"from the start", {1, 5, 70}, 0, 512, {1, 5, 70}, 71},
                              {"from the middle of a word", {1, 5, 70}, 5, 512, {5, 70, 1}, 2},
                              {"behind all of them", {1, 5, 70}, 71, 512, {1, 5, 70}, 71},
                              {"as many as there is room for, continues there", {1, 5, 70}, 0, 2, {1, 5}, 6},
                              {"none taken, stays", {1, 5, 70}, 3, 0, {}, 3},
                              {"the last bit of a word", {63, 64}, 63, 512, {63, 64}, 65},
                              {"the last member wraps", {127}, 0, 512, {127}, 128},
                              {"a cursor behind the end begins anew", {1, 127}, 128, 512, {1, 127}, 128},
                              {"nobody", {}, 9, 512, {}, 9}};
  for (const Row& row : rows) {
    INFO(row.description);
    ReadySet set(128);
    for (const std::size_t member : row.marked) set.mark(member);
    std::size_t cursor = row.cursor;
    CHECK(taken(set, cursor, row.most) == row.expected);
    CHECK(cursor == row.next);
    Members all = row.expected;
    const Members rest = taken(set, cursor);
    all.insert(all.end(), rest.begin(), rest.end());
    std::ranges::sort(all);
    CHECK(all == row.marked);
  }
}

TEST_CASE("whatever is marked and wherever the turn is, each mark is taken once", "[ready_set]") {
  std::mt19937_64 random(11);
  for (int round = 0; round < 2'000; ++round) {
    const std::size_t size = 1 + random() % 300;
    ReadySet set(size);
    std::set<std::size_t> marked;
    for (std::size_t i = random() % 40; i > 0; --i) marked.insert(random() % size);
    for (const std::size_t member : marked) set.mark(member);
    std::size_t cursor = random() % 400;
    const Members seen = taken(set, cursor);
    if (seen.size() != marked.size() || std::set(seen.begin(), seen.end()) != marked) FAIL("round " << round);
  }
}

TEST_CASE("one visit at a time still comes around to everyone equally", "[ready_set]") {
  ReadySet set(200);
  for (const std::size_t member : {3u, 64u, 65u, 199u}) set.mark(member);
  std::size_t cursor = 0;
  std::array<int, 200> visits{};
  for (int call = 0; call < 400; ++call)
    for (const std::size_t member : taken(set, cursor, 1)) {
      ++visits[member];
      set.mark(member);
    }
  for (const std::size_t member : {3u, 64u, 65u, 199u}) CHECK(visits[member] == 100);
}

TEST_CASE("between a producer and a consumer no work is forgotten", "[ready_set]") {
  constexpr std::size_t kMembers = 70;
  constexpr uint64_t kAll = 100'000;
  ReadySet set(kMembers);
  // Work is a number that the producer raises before it marks, and the consumer reads after it took the mark.
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
    last = done && set.marks(0) == 0 && set.marks(1) == 0;  // the producer has ended, and all are taken
    for (const std::size_t member : taken(set, cursor, 3))
      consumed[member] = produced[member].load(std::memory_order_relaxed);
  }
  producer.join();
  uint64_t sum = 0;
  for (const uint64_t count : consumed) sum += count;
  CHECK(sum == kAll);
}

TEST_CASE("between two takers each mark goes to one", "[ready_set]") {
  constexpr std::size_t kMembers = 130;
  ReadySet set(kMembers);
  std::array<std::atomic<int>, kMembers> holders{};
  std::atomic<uint64_t> takes{0};
  const auto take_and_give_back = [&](std::size_t cursor) {
    while (takes.load() < 50'000)
      for (const std::size_t member : taken(set, cursor, 5)) {
        if (holders[member].fetch_add(1) != 0) std::abort();  // Catch's assertions are for one thread
        holders[member].fetch_sub(1);
        ++takes;
        set.mark(member);
      }
  };
  for (std::size_t member = 0; member < kMembers; ++member) set.mark(member);
  std::thread other(take_and_give_back, 70);
  take_and_give_back(0);
  other.join();
  std::size_t cursor = 0;
  CHECK(taken(set, cursor).size() == kMembers);
}

TEST_CASE("those of a list are marked, across words and in any order", "[ready_set]") {
  ReadySet set(200);
  const Members members{3, 70, 4, 5, 190, 191};
  set.mark_those(members, [](std::size_t i) { return i != 2; });
  std::size_t cursor = 0;
  CHECK(taken(set, cursor) == Members{3, 5, 70, 190, 191});
  set.mark_those(members, [](std::size_t) { return false; });
  CHECK(taken(set, cursor).empty());
}

TEST_CASE("bits are visited lowest first", "[ready_set]") {
  std::vector<uint32_t> seen;
  for_each_bit(uint64_t{1} << 63 | 0b1010, [&](uint32_t bit) { seen.push_back(bit); });
  CHECK(seen == std::vector<uint32_t>{1, 3, 63});
  for_each_bit(0, [](uint32_t) { FAIL("no bit is set"); });
}
