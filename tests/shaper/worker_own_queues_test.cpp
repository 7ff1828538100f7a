// SPDX-License-Identifier: Apache-2.0
// Workers and the queues to which hardware steers one slice's packets.
#include <atomic>
#include <catch2/catch.hpp>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "nic/clock.hpp"
#include "shaper/worker.hpp"
#include "tests/shaper/box.hpp"

using namespace bulkhead;
using namespace bulkhead::test;

namespace {

constexpr QueueId kOfA{1};
constexpr QueueId kOther{2};

/// How slice "b" forwards, and how long the worker may visit it and others.
struct Pace {
  Cycles each = Cycles{0};
  std::function<void()> meanwhile{};
  Nanoseconds longest_visit = std::chrono::seconds{1};
  Nanoseconds longest_round = std::chrono::seconds{1};
};

/// One worker, slices "a" in VLAN 100 and "b" in VLAN 200, and a port 0 whose queue 1 may be a's.
struct Bench {
  explicit Bench(const std::string& name, const CpuPlan& cpu = {}, const Pace& with = {})
      : pace(with),
        box(name, 2, 1023, 8191, 400_Gbps, 2),
        a(Box::slice({.name = "a", .places = {{.port = 0, .vlans = {100}}, {.port = 1, .vlans = {100}}}})),
        b(Box::slice({.name = "b",
                      .places = {{.port = 0, .vlans = {200}}, {.port = 1, .vlans = {200}}},
                      .each = pace.each,
                      .meanwhile = pace.meanwhile})) {
    use(box.layout({a, b}, cpu));
  }

  void own(const std::vector<QueueOwner>& owners) { use(layouts->current().with_owners(owners)); }
  uint32_t round(bool receiving = true) {
    CpuMeter meter(clock_now());
    return round(meter, receiving);
  }
  uint32_t round(CpuMeter& meter, bool receiving = true) {
    return worker->round(layouts->acquire(0), meter, receiving);
  }
  void inject(uint32_t number, uint16_t vlan, QueueId queue) {
    REQUIRE(box.ring(0).offer(box.pool(), tag(numbered(number), vlan), queue));
  }
  [[nodiscard]] const OwnArrivals& at_a() const { return *a.runtime->attachments()[0].own; }

  Pace pace;
  Box box;
  BoxSlice a;
  BoxSlice b;
  std::atomic<Phase> phase{Phase::running};
  std::unique_ptr<Published<Layout>> layouts;
  std::unique_ptr<Worker> worker;

 private:
  void use(std::unique_ptr<const Layout> layout) {
    layouts = std::make_unique<Published<Layout>>(1, std::move(layout));
    worker = std::make_unique<Worker>(0, Worker::Shared{.layouts = *layouts,
                                                        .phase = phase,
                                                        .pool = box.pool(),
                                                        .idle = IdlePolicy::poll,
                                                        .longest_visit = pace.longest_visit,
                                                        .longest_round = pace.longest_round});
  }
};

constexpr CpuShare kFifth{.reserve = 2'000, .weight = 256, .cap = std::nullopt};
const std::vector<QueueOwner> kOwners{{PortId{0}, kOfA, SliceId{0}}};

}  // namespace

TEST_CASE("a slice's own queue is visited with it, and a queue that nobody owns is everybody's", "[worker]") {
  Bench bench("own-a");
  bench.own(kOwners);
  bench.inject(1, 100, kOfA);
  bench.inject(2, 100, QueueId{0});
  bench.inject(3, 200, kOther);
  // Those by everybody's queues are sorted first.
  CHECK(bench.round() == 3 * 2 + 2);
  CHECK(bench.box.ring(1).discard() == 3);
  CHECK(bench.at_a().received.packets.read() == 1);
  CHECK(bench.at_a().received.bytes.read() == 64);
  CHECK(account_of(*bench.a.runtime).received == 2);
  CHECK(bench.round() == 0);
  CHECK(bench.box.pool().in_use() == 0);
}

TEST_CASE("strangers and malformed frames in a slice's queue are dropped and counted", "[worker]") {
  Bench bench("own-b");
  bench.own(kOwners);
  for (const uint16_t vlan : std::initializer_list<uint16_t>{200, 100, 300, 4095, 100})
    bench.inject(vlan, vlan, kOfA);
  bench.round();
  CHECK(bench.box.ring(1).collect() == std::vector<Frame>{tag(numbered(100), 100), tag(numbered(100), 100)});
  CHECK(bench.at_a().strangers.read() == 2);
  CHECK(bench.box.port(0).own_queues[1].malformed.read() == 1);
  CHECK(bench.box.unclaimed() == 0);
  CHECK(account_of(*bench.b.runtime).received == 0);
  CHECK(bench.box.pool().in_use() == 0);
}

TEST_CASE("who gives a queue up leaves it to everybody, and its packets are whose they are", "[worker]") {
  Bench bench("own-c");
  bench.own(kOwners);
  bench.own({});
  for (const uint16_t vlan : std::initializer_list<uint16_t>{100, 200}) bench.inject(vlan, vlan, kOfA);
  bench.round();
  CHECK(bench.box.ring(1).discard() == 2);
  CHECK(bench.at_a().received.packets.read() == 0);
  CHECK(bench.at_a().strangers.read() == 0);
  CHECK(bench.box.port(0).own_queues[1].sorted.read() == 2);
  CHECK(bench.box.port(0).own_queues[1].emptied.read() > 0);
  // So that it is known when what was marked by rules of before is sorted.
  bench.inject(1, 100, QueueId{0});
  bench.round();
  CHECK(bench.box.port(0).own_queues[0].sorted.read() == 1);
  CHECK(bench.box.port(0).own_queues[0].emptied.read() > 0);
}

TEST_CASE("of the shared queue, packets with a slice's mark are to be the slice's", "[worker]") {
  Bench bench("own-m");
  bench.own({{PortId{0}, QueueId{0}, SliceId{0}, 5}});
  for (const uint16_t vlan : std::initializer_list<uint16_t>{100, 200}) {
    const Packet packet = packet_of(bench.box.pool(), tag(numbered(vlan), vlan));
    set_mark(packet, 5);
    REQUIRE(bench.box.ring(0).inject(packet));
  }
  bench.inject(3, 200, QueueId{0});
  bench.round();
  CHECK(bench.box.ring(1).collect() == std::vector<Frame>{tag(numbered(100), 100), tag(numbered(3), 200)});
  CHECK(bench.at_a().isolation_violations() == 1);
  CHECK(bench.box.unclaimed() == 0);
  CHECK(bench.box.pool().in_use() == 0);
  // Who gives the mark up leaves it to nobody.
  bench.own({});
  const Packet packet = packet_of(bench.box.pool(), tag(numbered(4), 200));
  set_mark(packet, 5);
  REQUIRE(bench.box.ring(0).inject(packet));
  bench.round();
  CHECK(bench.box.ring(1).discard() == 1);
}

TEST_CASE("of a slice's queues at a port, those with the lowest turn are looked into first", "[worker]") {
  Bench bench("own-t");
  bench.own({{PortId{0}, QueueId{1}, SliceId{0}, 0, 1}, {PortId{0}, QueueId{2}, SliceId{0}, 0, 0}});
  bench.inject(1, 100, QueueId{1});
  bench.inject(2, 100, QueueId{2});
  bench.round();
  CHECK(bench.box.ring(1).collect() == std::vector<Frame>{tag(numbered(2), 100), tag(numbered(1), 100)});
}

TEST_CASE("nothing is received where that is not wanted any more", "[worker]") {
  Bench bench("own-d");
  bench.own(kOwners);
  bench.inject(1, 100, kOfA);
  CHECK(bench.round(false) == 0);
  CHECK_FALSE(bench.box.ring(0).all_received());
  CHECK(bench.round(true) == 2);
}

TEST_CASE("looking into an empty queue is not charged to the slice", "[worker]") {
  Bench bench("own-e");
  bench.own(kOwners);
  const uint64_t before = bench.a.runtime->cycles.read();
  for (int i = 0; i < 10; ++i) CHECK(bench.round() == 0);
  CHECK(bench.a.runtime->cycles.read() == before);
}

TEST_CASE("the queue of a slice over its budget is not looked into: its packets are the device's to drop",
          "[worker]") {
  Bench bench("own-f", {.workers = 1, .shares = {{.reserve = 0, .weight = 256, .cap = 1}}});
  bench.own(kOwners);
  // Uses up what a ten-thousandth of a core may have saved.
  for (uint32_t i = 0; i < 500; ++i) bench.inject(i, 100, kOfA);
  for (int i = 0; i < 10; ++i) bench.round();
  const uint64_t received = bench.at_a().received.packets.read();
  CHECK(received < 500);
  for (int i = 0; i < 3; ++i) bench.round();
  CHECK(bench.at_a().received.packets.read() == received);
  CHECK_FALSE(bench.box.ring(0).all_received());
  CHECK(dropped(*bench.a.runtime, DropReason::cpu_budget) == 0);
}

TEST_CASE("a slice within its reserve waits for one turn of another, and its packets for nobody's",
          "[worker]") {
  constexpr uint32_t kTurns = 400;
  // Packets of the first, before turns are taken; and for those that take more than one, as the machine may
  // make a visit look short.
  constexpr uint32_t kFirst = 2 * SliceRuntime::kMostVisited;
  std::function<void()> meanwhile;
  // One packet a visit once the first has shown what they cost, and turns once that has filled the round.
  Bench bench("own-r", {.workers = 1, .shares = {kFifth}},
              {.each = to_cycles(std::chrono::microseconds{200}),
               .meanwhile = [&] { meanwhile(); },
               .longest_visit = std::chrono::microseconds{100},
               .longest_round = std::chrono::milliseconds{10}});
  bench.own({{PortId{0}, kOfA, SliceId{0}}, {PortId{0}, kOther, SliceId{1}}});
  std::size_t turns = 0;
  std::size_t at_once = 0;  // frames of a that came during one turn of b and had left at its next
  meanwhile = [&] {
    const std::vector<Frame> left = bench.box.ring(1).collect();
    if (++turns > kTurns / 2 && !left.empty() && left.back() == tag(numbered(1), 100)) ++at_once;
    bench.inject(1, 100, kOfA);
  };
  for (uint32_t i = 0; i < kFirst + kTurns; ++i) bench.inject(2, 200, kOther);
  CpuMeter meter(clock_now());
  meter.watch_for_theft();
  while (turns < kTurns && !bench.box.ring(0).all_received()) bench.round(meter);
  REQUIRE(turns >= kTurns);
  // Where the machine takes the core from a's visit and does not say so, a has to pay for it.
  CHECK(at_once > kTurns / 8);
}

TEST_CASE("what little a slice within its reserve has is sent before another is visited", "[worker]") {
  struct Row {
    const char* description;
    CpuPlan cpu;
    uint32_t packets;
    std::size_t left;  // when b is visited
  };
  for (const Row& row : std::initializer_list<Row>{{"reserved", {.workers = 1, .shares = {kFifth}}, 1, 1},
                                                   {"not reserved", {}, 1, 0},
                                                   {"much", {.workers = 1, .shares = {kFifth}}, 20, 0}}) {
    INFO(row.description);
    std::function<void()> meanwhile;
    Bench bench("own-s", row.cpu, {.meanwhile = [&] { meanwhile(); }});
    bench.own({{PortId{0}, kOfA, SliceId{0}}, {PortId{0}, kOther, SliceId{1}}});
    std::optional<std::size_t> left;
    meanwhile = [&] { left = bench.box.ring(1).discard(); };
    for (uint32_t i = 0; i < row.packets; ++i) bench.inject(i, 100, kOfA);
    bench.inject(99, 200, kOther);
    bench.round();
    CHECK(left == row.left);
    bench.box.ring(1).discard();
    CHECK(bench.box.pool().in_use() == 0);
  }
}

TEST_CASE("frames that come with the tag of the one before have their own priority", "[worker]") {
  Bench bench("own-t");
  bench.own(kOwners);
  const std::vector<std::pair<uint16_t, uint8_t>> sent{{100, 3},  {100, 5},  {200, 5}, {200, 0},
                                                       {4095, 1}, {4095, 1}, {100, 0}};
  for (const auto& [vlan, pcp] : sent)
    REQUIRE(bench.box.ring(0).offer(bench.box.pool(), tag(numbered(1), vlan, pcp), kOfA));
  bench.round();
  CHECK(bench.box.ring(1).collect() ==
        std::vector<Frame>{tag(numbered(1), 100, 3), tag(numbered(1), 100, 5), tag(numbered(1), 100, 0)});
  CHECK(bench.at_a().strangers.read() == 2);
  CHECK(bench.box.port(0).own_queues[1].malformed.read() == 2);
  const SliceOutput& output = *bench.a.runtime->attachments()[1].output;
  for (const std::size_t pcp : {0, 3, 5}) CHECK(output.transmitted[pcp].packets.read() == 1);
}
