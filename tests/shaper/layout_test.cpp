// SPDX-License-Identifier: Apache-2.0
#include "shaper/layout.hpp"

#include <array>
#include <catch2/catch.hpp>

#include "tests/shaper/box.hpp"

using namespace bulkhead;
using namespace bulkhead::test;

TEST_CASE("a layout hangs each slice to its own ports", "[layout]") {
  Box box("lay", 3);
  const BoxSlice a =
      Box::slice({.name = "a", .places = {{.port = 0, .vlans = {100}}, {.port = 1, .vlans = {100}}}});
  const BoxSlice b =
      Box::slice({.name = "b", .places = {{.port = 1, .vlans = {200}}, {.port = 2, .vlans = {200}}}});
  const auto layout = box.layout({a, b});
  CHECK(layout->generation() == 1);
  REQUIRE(layout->ports().size() == 3);
  REQUIRE(layout->slices().size() == 2);
  const auto output_of = [](const BoxSlice& slice, std::size_t place) {
    return slice.runtime->attachments()[place].output.get();
  };
  using Outputs = std::vector<SliceOutput*>;
  CHECK(layout->ports()[0].outputs == Outputs{output_of(a, 0), nullptr});
  CHECK(layout->ports()[1].outputs == Outputs{output_of(a, 1), output_of(b, 0)});
  CHECK(layout->ports()[2].outputs == Outputs{nullptr, output_of(b, 1)});
}

TEST_CASE("all that could have packets is marked, and nothing else", "[layout]") {
  Box box("mark", 2);
  const BoxSlice a = Box::slice({.name = "a", .places = {{.port = 0, .vlans = {100}}}});
  const BoxSlice b = Box::slice({.name = "b", .places = {{.port = 1, .vlans = {200}}}});
  const auto layout = box.layout({a, b});
  CHECK(layout->ready().marks(0) == 0b11);
  CHECK(layout->ports()[0].ready->marks(0) == 0b01);
  CHECK(layout->ports()[1].ready->marks(0) == 0b10);
  std::array<std::size_t, 1> taken{};
  std::size_t turn = 0;
  CHECK(layout->ready().take(turn, taken) == 1);
  turn = 0;
  CHECK(layout->ports()[1].ready->take(turn, taken) == 1);
  layout->mark_all();
  CHECK(layout->ready().marks(0) == 0b11);
  CHECK(layout->ports()[0].ready->marks(0) == 0b01);
  CHECK(layout->ports()[1].ready->marks(0) == 0b10);
}

TEST_CASE("slices leave their homes where a new one's reserve would have no room", "[layout]") {
  Box box("lay-r", 1);
  std::vector<BoxSlice> slices;
  std::vector<CpuShare> shares;
  const auto add = [&](uint32_t reserve) {
    const auto vlan = static_cast<uint16_t>(100 + slices.size());
    slices.push_back(Box::slice({.name = std::to_string(vlan), .places = {{.port = 0, .vlans = {vlan}}}}));
    shares.push_back({.reserve = reserve, .weight = 256, .cap = std::nullopt});
  };
  const auto homes_of = [&](const Layout& layout) {
    std::vector<std::size_t> homes;
    for (std::size_t slice = 0; slice < slices.size(); ++slice)
      homes.push_back(layout.homes().is_home(0, slice) ? 0 : 1);
    return homes;
  };
  for (const uint32_t reserve : {5'000u, 3'000u, 3'000u}) add(reserve);
  CHECK(homes_of(*box.layout(slices, {.workers = 2, .shares = shares})) == std::vector<std::size_t>{0, 1, 1});
  add(1'000);
  CHECK(homes_of(*box.layout(slices, {.workers = 2, .shares = shares})) ==
        std::vector<std::size_t>{0, 1, 1, 0});
  CHECK(slices[0].runtime->moves == 1);
  shares[3].reserve = 6'000;
  CHECK(homes_of(*box.layout(slices, {.workers = 2, .shares = shares})) ==
        std::vector<std::size_t>{1, 1, 0, 0});
  CHECK(slices[0].runtime->moves == 2);
}

TEST_CASE("a layout is drained when no slice holds a packet", "[layout]") {
  Box box("drain", 1);
  const BoxSlice a = Box::slice({.name = "a", .places = {{.port = 0}}});
  const auto layout = box.layout({a});
  CHECK(layout->is_drained());
  const Packet packet = packet_of(box.pool(), numbered(1));
  CHECK(a.runtime->attachments()[0].input->queue.push({&packet, 1}) == 1);
  CHECK_FALSE(layout->is_drained());
  a.runtime->drop_queued();
  CHECK(layout->is_drained());
  CHECK(box.layout({})->is_drained());
}
