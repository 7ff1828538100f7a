// SPDX-License-Identifier: Apache-2.0
#include "shaper/balancer.hpp"

#include <catch2/catch.hpp>

#include "tests/shaper/box.hpp"

using namespace bulkhead;
using namespace bulkhead::test;

TEST_CASE("a slice moves by what all slices have used since the last look", "[balancer]") {
  Box box("bal", 1);
  std::vector<BoxSlice> slices;
  for (uint16_t vlan = 1; vlan <= 3; ++vlan)
    slices.push_back(Box::slice({.name = std::to_string(vlan), .places = {{.port = 0, .vlans = {vlan}}}}));
  const auto layout = box.layout(slices, {.workers = 2, .shares = {}});
  REQUIRE(layout->homes().is_home(0, 0));
  REQUIRE(layout->homes().is_home(1, 1));
  REQUIRE(layout->homes().is_home(0, 2));
  Balancer balancer;
  slices[0].runtime->cycles.add(1'000'000);  // of before
  CHECK_FALSE(balancer.look(*layout, Cycles{1'000'000}));
  slices[0].runtime->cycles.add(500'000);
  slices[2].runtime->cycles_elsewhere.add(410'000);
  const auto move = balancer.look(*layout, Cycles{2'000'000});
  REQUIRE(move);
  CHECK(*move == SliceMove{.slice = 0, .worker = 1});
  layout->move(0, 1);
  CHECK(layout->homes().is_home(1, 0));
  slices[0].runtime->cycles.add(500'000);
  slices[2].runtime->cycles_elsewhere.add(400'000);
  CHECK_FALSE(balancer.look(*layout, Cycles{3'000'000}));
}
