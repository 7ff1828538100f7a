// SPDX-License-Identifier: Apache-2.0
#include "nic/counter.hpp"

#include <catch2/catch.hpp>

#include <thread>

using namespace bulkhead;

TEST_CASE("a counter begins at zero and adds", "[counter]") {
  Counter counter;
  CHECK(counter.read() == 0);
  counter.add(5);
  counter.add(0);
  CHECK(counter.read() == 5);
}

TEST_CASE("traffic counts packets and bytes apart", "[counter]") {
  TrafficCounter traffic;
  traffic.add(2, 120);
  traffic.add(1, 1500);
  CHECK(traffic.packets.read() == 3);
  CHECK(traffic.bytes.read() == 1620);
}

TEST_CASE("a reader in another thread sees a counter grow only", "[counter]") {
  constexpr uint64_t kAll = 200'000;
  Counter counter;
  std::thread writer([&] {
    for (uint64_t i = 0; i < kAll; ++i) counter.add(1);
  });
  uint64_t last = 0;
  bool shrank = false;
  while (last < kAll) {
    const uint64_t now = counter.read();
    shrank = shrank || now < last;
    last = now;
  }
  writer.join();
  CHECK_FALSE(shrank);
  CHECK(counter.read() == kAll);
}
