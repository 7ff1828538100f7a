// SPDX-License-Identifier: Apache-2.0
#include "classifier/switch_model.hpp"

#include <catch2/catch.hpp>

#include "tests/classifier/model_bench.hpp"

using namespace bulkhead;
using namespace bulkhead::test;

namespace {

using Sent = ModelBench::Sent;

constexpr Cycles kAgeing{1'000'000};
constexpr MacAddress kGroup{0x0300'0000'0001};

SwitchOptions three_ports() {
  return {.ports = 3, .max_addresses = 64, .ageing = kAgeing, .by_vlan = false, .hash_key = 1};
}

Sent to(std::initializer_list<LocalPort> ports, const Frame& frame) {
  Sent sent;
  for (const LocalPort port : ports) sent[port] = {frame};
  return sent;
}

}  // namespace

TEST_CASE("a switch learns where stations are, and floods what it does not know", "[switch_model]") {
  struct Row {
    const char* description;
    LocalPort ingress;
    Frame packet;
    Sent expected;
  };
  const Frame to_bob = udp(kAlice, kBob);
  const Frame to_alice = udp(kBob, kAlice);
  // One conversation: each row finds what those before it have taught.
  const std::vector<Row> rows{
      {"Bob is unknown: flooded, not back", 0, to_bob, to({1, 2}, to_bob)},
      {"Alice was seen at port 0", 1, to_alice, to({0}, to_alice)},
      {"now Bob is known, too", 0, to_bob, to({1}, to_bob)},
      {"a broadcast goes everywhere else", 1, udp(kBob, kEveryone), to({0, 2}, udp(kBob, kEveryone))},
      {"a multicast too", 2, udp(kCarol, MacAddress{0x3333'0000'0001}),
       to({0, 1}, udp(kCarol, MacAddress{0x3333'0000'0001}))},
      {"a frame to a station behind its own port has arrived", 1, udp(kCarol, kBob), {}},
      {"that frame moved Carol to port 1", 0, udp(kAlice, kCarol), to({1}, udp(kAlice, kCarol))},
      {"Alice moves to port 2", 2, udp(kAlice, kBob), to({1}, udp(kAlice, kBob))},
      {"and is found there", 1, to_alice, to({2}, to_alice)},
      {"a group is no source to be learned", 0, udp(kGroup, kBob), to({1}, udp(kGroup, kBob))},
      {"and stays unknown as a destination", 1, udp(kBob, kGroup), to({0, 2}, udp(kBob, kGroup))}};
  SwitchModel model(three_ports());
  ModelBench bench(model, 3);
  for (const Row& row : rows) {
    INFO(row.description);
    const LeakCheck leak(bench.pool());
    CHECK(bench.forward(row.ingress, row.packet) == row.expected);
    const uint32_t copies = row.expected.empty() ? 0 : static_cast<uint32_t>(row.expected.size() - 1);
    CHECK(bench.copies() == copies);
    CHECK(bench.dropped(DropReason::no_output) == (row.expected.empty() ? 1 : 0));
    CHECK(leak.lost() == 0);
  }
  CHECK(model.learned_addresses() == 3);
}

TEST_CASE("a switch keeps link-local addresses to itself", "[switch_model]") {
  SwitchModel model(three_ports());
  ModelBench bench(model, 3);
  for (uint64_t last = 0; last < 16; ++last) {
    CHECK(bench.forward(0, udp(kAlice, MacAddress{0x0180'c200'0000 + last})).empty());
    CHECK(bench.dropped(DropReason::reserved_address) == 1);
  }
  const Frame beyond = udp(kAlice, MacAddress{0x0180'c200'0010});
  CHECK(bench.forward(0, beyond) == to({1, 2}, beyond));
  CHECK(bench.pool().in_use() == 0);
}

TEST_CASE("a burst is forwarded frame by frame, in order", "[switch_model]") {
  SwitchModel model(three_ports());
  ModelBench bench(model, 3);
  bench.forward(1, udp(kBob, kEveryone));
  const auto sent = bench.forward(0, {numbered(1), udp(kAlice, kEveryone), numbered(2), numbered(3)});
  REQUIRE(sent.at(1).size() == 4);
  CHECK(sent.at(1)[0] == numbered(1));
  CHECK(sent.at(1)[2] == numbered(2));
  CHECK(sent.at(1)[3] == numbered(3));
  CHECK(sent.at(2) == std::vector<Frame>{udp(kAlice, kEveryone)});
}

TEST_CASE("by VLAN, a station is known in its VLAN only; else in the whole slice", "[switch_model]") {
  for (const bool by_vlan : {true, false}) {
    INFO("by VLAN: " << by_vlan);
    SwitchOptions options = three_ports();
    options.by_vlan = by_vlan;
    SwitchModel model(options);
    ModelBench bench(model, 3);
    bench.forward(1, tag(udp(kBob, kEveryone), 100));
    const Frame same = tag(udp(kAlice, kBob), 100);
    const Frame other = tag(udp(kAlice, kBob), 200);
    CHECK(bench.forward(0, same) == to({1}, same));
    CHECK(bench.forward(0, other) == (by_vlan ? to({1, 2}, other) : to({1}, other)));
    CHECK(model.learned_addresses() == (by_vlan ? 3 : 2));
  }
}

TEST_CASE("a station that was silent for the ageing time is flooded to again", "[switch_model]") {
  SwitchModel model(three_ports());
  ModelBench bench(model, 3);
  const Frame frame = udp(kAlice, kBob);
  bench.forward(1, udp(kBob, kEveryone));
  CHECK(bench.forward(0, frame, kAgeing) == to({1}, frame));
  CHECK(bench.forward(0, frame, kAgeing + Cycles{1}) == to({1, 2}, frame));
  // Forwarding alone, whoever sends, ages the table little by little.
  for (int i = 0; i < 64; ++i) bench.forward(0, udp(kAlice, kEveryone), kAgeing * 2);
  CHECK(model.learned_addresses() == 1);
}

TEST_CASE("a full table floods, does not grow, and counts what it could not learn", "[switch_model]") {
  SwitchOptions options = three_ports();
  options.max_addresses = 4;
  SwitchModel model(options);
  ModelBench bench(model, 3);
  for (uint64_t i = 0; i < 100; ++i) bench.forward(1, udp(MacAddress{0x0200'0000'1000 + i}, kEveryone));
  const uint64_t learned = model.learned_addresses();
  CHECK(learned <= 4);
  CHECK(model.unlearned_addresses() == 100 - learned);
  const Frame frame = udp(kAlice, MacAddress{0x0200'0000'1063});
  CHECK(bench.forward(0, frame) == to({1, 2}, frame));
  CHECK(model.unlearned_addresses() == 101 - learned);  // nor is there room for Alice
  bench.forward(1, udp(kGroup, kEveryone));             // which is no station to be learned
  CHECK(model.unlearned_addresses() == 101 - learned);
}

TEST_CASE("a slice of one port has nowhere to send", "[switch_model]") {
  SwitchOptions options = three_ports();
  options.ports = 1;
  SwitchModel model(options);
  ModelBench bench(model, 1);
  CHECK(bench.forward(0, {udp(kAlice, kBob), udp(kAlice, kEveryone)}).empty());
  CHECK(bench.dropped(DropReason::no_output) == 2);
  CHECK(bench.pool().in_use() == 0);
}

TEST_CASE("flooding without buffers reaches the last port, and counts the copies that were not made",
          "[switch_model]") {
  SwitchModel model(three_ports());
  ModelBench bench(model, 3, 1);
  const Frame frame = udp(kAlice, kBob);
  CHECK(bench.forward(0, frame) == to({2}, frame));
  CHECK(bench.copies() == 1);
  CHECK(bench.dropped(DropReason::no_buffer) == 1);
}

TEST_CASE("flooded frames in several buffers arrive whole everywhere", "[switch_model]") {
  SwitchModel model(three_ports());
  ModelBench bench(model, 3);
  const Frame jumbo = udp(kAlice, kEveryone, 9000);
  CHECK(bench.forward(2, jumbo) == to({0, 1}, jumbo));
  CHECK(bench.pool().in_use() == 0);
}
