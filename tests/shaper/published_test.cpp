// SPDX-License-Identifier: Apache-2.0
#include "shaper/published.hpp"

#include <array>
#include <atomic>
#include <catch2/catch.hpp>
#include <thread>
#include <vector>

using namespace bulkhead;

namespace {

/// Says in its death that it is dead, and in life what it is.
struct Value {
  explicit Value(uint64_t n) : number(n) {}
  Value(const Value&) = delete;
  Value& operator=(const Value&) = delete;
  ~Value() { alive = false; }
  uint64_t number;
  bool alive = true;
};

}  // namespace

TEST_CASE("a reader gets the newest object, and the old one comes back", "[published]") {
  Published<Value> published(1, std::make_unique<Value>(1));
  CHECK(published.acquire(0).number == 1);
  CHECK(published.current().number == 1);
  published.leave(0);
  const auto old = published.replace(std::make_unique<Value>(2));
  CHECK(old->number == 1);
  CHECK(published.current().number == 2);
  CHECK(published.acquire(0).number == 2);
}

TEST_CASE("the old object comes back only after every reader has passed on", "[published]") {
  Published<Value> published(2, std::make_unique<Value>(1));
  const Value& held_by_first = published.acquire(0);
  const Value& held_by_second = published.acquire(1);
  std::atomic<bool> replaced{false};
  std::thread control([&] {
    const auto old = published.replace(std::make_unique<Value>(2));
    replaced = true;
  });
  // The first passes on, the second does not: the old object lives.
  while (published.acquire(0).number == 1) std::this_thread::yield();
  const bool too_early = replaced;
  CHECK_FALSE(too_early);
  CHECK(held_by_second.alive);
  CHECK(&held_by_second == &held_by_first);
  CHECK(published.acquire(1).number == 2);
  // Who was the first to see the new object may have to come once more.
  while (!replaced) {
    (void)published.acquire(0);
    (void)published.acquire(1);
    std::this_thread::yield();
  }
  control.join();
}

TEST_CASE("a reader that has left is not waited for", "[published]") {
  Published<Value> published(2, std::make_unique<Value>(1));
  published.leave(0);
  published.leave(1);
  for (uint64_t n = 2; n < 10; ++n) CHECK(published.replace(std::make_unique<Value>(n))->number == n - 1);
}

TEST_CASE("readers never see a dead object, nor an older one after a newer", "[published]") {
  constexpr uint64_t kVersions = 400;
  Published<Value> published(2, std::make_unique<Value>(0));
  std::atomic<bool> done{false};
  std::array<std::atomic<bool>, 2> wrong{};
  std::vector<std::thread> readers;
  for (std::size_t reader = 0; reader < 2; ++reader)
    readers.emplace_back([&, reader] {
      uint64_t last = 0;
      while (!done) {
        const Value& value = published.acquire(reader);
        for (int look = 0; look < 10; ++look)
          if (!value.alive || value.number < last) wrong[reader] = true;
        last = value.number;
      }
      published.leave(reader);
    });
  for (uint64_t n = 1; n <= kVersions; ++n) published.replace(std::make_unique<Value>(n));
  done = true;
  for (std::thread& reader : readers) reader.join();
  CHECK_FALSE(wrong[0]);
  CHECK_FALSE(wrong[1]);
}
