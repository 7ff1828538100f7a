// SPDX-License-Identifier: Apache-2.0
#include "classifier/address_table.hpp"

#include <catch2/catch.hpp>
#include <map>
#include <random>
#include <utility>
#include <vector>

using namespace bulkhead;

namespace {

constexpr Cycles kAgeing{1'024'000};
constexpr Vlan kVlan{100};
// The table notes times to 256 cycles.
constexpr Cycles kTick{256};

MacAddress station(uint64_t number) { return MacAddress{0x0200'0000'0000 + number}; }

}  // namespace

TEST_CASE("a station is found where it was last seen", "[address_table]") {
  AddressTable table(64, kAgeing, 1);
  CHECK(table.find(kVlan, station(1), Cycles{0}) == std::nullopt);
  CHECK(table.learn(kVlan, station(1), 3, Cycles{0}));
  CHECK(table.find(kVlan, station(1), Cycles{0}) == LocalPort{3});
  CHECK(table.find(kVlan, station(2), Cycles{0}) == std::nullopt);
  CHECK(table.size() == 1);
  CHECK(table.learn(kVlan, station(1), 63, Cycles{512}));
  CHECK(table.find(kVlan, station(1), Cycles{512}) == LocalPort{63});
  CHECK(table.size() == 1);
}

TEST_CASE("every VLAN has stations of its own", "[address_table]") {
  AddressTable table(64, kAgeing, 1);
  CHECK(table.learn(Vlan{1}, station(1), 1, {}));
  CHECK(table.learn(Vlan{2}, station(1), 2, {}));
  CHECK(table.learn(Vlan::untagged(), station(1), 3, {}));
  CHECK(table.find(Vlan{1}, station(1), {}) == LocalPort{1});
  CHECK(table.find(Vlan{2}, station(1), {}) == LocalPort{2});
  CHECK(table.find(Vlan::untagged(), station(1), {}) == LocalPort{3});
  CHECK(table.find(Vlan{3}, station(1), {}) == std::nullopt);
}

TEST_CASE("VLAN 0 with address 0 at port 0 is an entry, not a free place", "[address_table]") {
  AddressTable table(4, kAgeing, 0);
  CHECK(table.find(Vlan{0}, MacAddress{}, {}) == std::nullopt);
  CHECK(table.learn(Vlan{0}, MacAddress{}, 0, {}));
  CHECK(table.find(Vlan{0}, MacAddress{}, {}) == LocalPort{0});
  CHECK(table.size() == 1);
}

TEST_CASE("a station is forgotten once it has not been seen for the ageing time", "[address_table]") {
  AddressTable table(64, kAgeing, 1);
  const Cycles seen = kTick * 10;
  CHECK(table.learn(kVlan, station(1), 1, seen));
  CHECK(table.find(kVlan, station(1), seen + kAgeing));
  CHECK_FALSE(table.find(kVlan, station(1), seen + kAgeing + Cycles{1}));
  CHECK(table.learn(kVlan, station(1), 1, seen + kAgeing));  // seen again: another life
  CHECK(table.find(kVlan, station(1), seen + kAgeing + kAgeing));
  // A worker whose clock is a moment behind does not see centuries pass.
  CHECK(table.find(kVlan, station(1), Cycles{0}));
}

TEST_CASE("ageing little by little forgets all that is old and nothing else", "[address_table]") {
  AddressTable table(256, kAgeing, 1);
  for (uint64_t i = 0; i < 100; ++i) CHECK(table.learn(kVlan, station(i), 1, {}));
  const Cycles later = kAgeing + kTick;
  for (uint64_t i = 0; i < 10; ++i) CHECK(table.learn(kVlan, station(i), 2, later));
  CHECK(table.size() == 100);
  for (int i = 0; i < 256; ++i) table.age_some(later);
  CHECK(table.size() == 10);
  for (uint64_t i = 0; i < 100; ++i) CHECK(table.find(kVlan, station(i), later).has_value() == (i < 10));
}

TEST_CASE("a table never holds more than it was made for, and learns again when stations age",
          "[address_table]") {
  for (const uint32_t most : {1u, 3u, 64u, 1000u}) {
    AddressTable table(most, kAgeing, 7);
    for (uint64_t i = 0; i < most * 4ull; ++i) {
      (void)table.learn(kVlan, station(i), 1, {});
      if (table.size() > most) FAIL("holds " << table.size() << " of " << most);
    }
    const uint64_t before = table.size();
    CHECK_FALSE(table.learn(kVlan, station(1'000'000), 1, {}));
    for (uint32_t i = 0; i < most * 4; ++i) table.age_some(kAgeing + kTick * 2);
    CHECK(table.size() == 0);
    CHECK(before >= most - most / 100);
    CHECK(table.learn(kVlan, station(1'000'000), 1, kAgeing + kTick * 2));
  }
}

TEST_CASE("a table has room for nearly all of the stations it was made for", "[address_table]") {
  constexpr uint32_t kMost = 4096;
  for (uint64_t key = 1; key <= 20; ++key) {
    AddressTable table(kMost, kAgeing, key * 0x9e3779b97f4a7c15ull);
    uint32_t learned = 0;
    for (uint64_t i = 0; i < kMost; ++i) learned += table.learn(kVlan, station(i), 1, {}) ? 1 : 0;
    CHECK(learned >= kMost - kMost / 100);
  }
}

TEST_CASE("which stations share a bucket depends on the key", "[address_table]") {
  constexpr uint64_t kFlood = 200;
  std::vector<uint64_t> refused;
  for (const uint64_t key : {1ull, 0xfeed'0000'0000'0001ull}) {
    // Stations that find no room under one key ...
    AddressTable table(64, kAgeing, key);
    uint64_t pattern = 0;
    for (uint64_t i = 0; i < kFlood; ++i)
      pattern = pattern * 31 + (table.learn(kVlan, station(i * 4096), 1, {}) ? 1 : 2);
    refused.push_back(pattern);
  }
  CHECK(refused[0] != refused[1]);  // ... are others than under another
}

TEST_CASE("a table does what a map of last sights does", "[address_table]") {
  std::mt19937_64 random(3);
  AddressTable table(1024, kAgeing, 99);
  std::map<std::pair<uint16_t, uint64_t>, std::pair<LocalPort, Cycles>> model;
  Cycles now = kTick;
  for (int step = 0; step < 200'000; ++step) {
    now += kTick * (random() % 20);
    const Vlan vlan{static_cast<uint16_t>(random() % 3)};
    const uint64_t number = random() % 60;
    const auto place = std::pair(vlan.number(), number);
    if (random() % 2 == 0) {
      const auto port = static_cast<LocalPort>(random() % 64);
      if (!table.learn(vlan, station(number), port, now)) FAIL("no room in step " << step);
      model[place] = {port, now};
    } else {
      const auto seen = model.find(place);
      std::optional<LocalPort> expected;
      if (seen != model.end() && now - seen->second.second <= kAgeing) expected = seen->second.first;
      if (table.find(vlan, station(number), now) != expected) FAIL("step " << step);
    }
    if (random() % 8 == 0) table.age_some(now);
  }
}
