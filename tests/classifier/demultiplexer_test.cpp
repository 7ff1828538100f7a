// SPDX-License-Identifier: Apache-2.0
#include "classifier/demultiplexer.hpp"

#include <array>
#include <catch2/catch.hpp>
#include <memory>
#include <vector>

#include "tests/support/eal.hpp"
#include "tests/support/frames.hpp"

using namespace bulkhead;
using namespace bulkhead::test;

namespace {

constexpr PortId kPort{0};

FlowspaceEntry vlan_of(uint16_t slice, uint32_t vid, PortId port = kPort) {
  FlowspaceEntry entry{.match = {}, .slice = SliceId{slice}};
  entry.match.port = {port.value(), port.value()};
  entry.match.vlan = {vid, vid};
  return entry;
}

/// Three slices at one port: VLAN 100, VLAN 200 and what is untagged; a fourth is elsewhere.
struct Bench {
  explicit Bench(uint32_t capacity = 64) {
    auto compiled = SliceTable::compile(
        {vlan_of(0, 100), vlan_of(1, 200), vlan_of(2, Vlan::kUntagged), vlan_of(3, 300, PortId{1})});
    REQUIRE(compiled);
    table = std::make_unique<SliceTable>(std::move(*compiled));
    std::vector<SliceInput*> pointers;
    for (auto& input : inputs) pointers.push_back((input = std::make_unique<SliceInput>(capacity)).get());
    pointers.push_back(nullptr);
    demultiplexer = std::make_unique<Demultiplexer>(kPort, *table, pointers,
                                                    Demultiplexer::Marks{ready, over_budget}, unclaimed);
  }

  void run(const std::vector<Frame>& frames) {
    Burst burst;
    for (const Frame& frame : frames) burst.push_back(packet_of(pool, frame));
    demultiplexer->run(burst);
    CHECK(burst.empty());
  }

  /// The same for one frame that a NIC has marked.
  void run_marked(const Frame& frame, uint32_t mark) {
    Burst burst;
    burst.push_back(packet_of(pool, frame));
    set_mark(burst[0], mark);
    demultiplexer->run(burst);
  }

  std::vector<Frame> queued(std::size_t slice) {
    Burst burst;
    burst.resize(inputs[slice]->queue.pop(burst.raw(), Burst::kCapacity));
    std::vector<Frame> frames;
    for (const Packet packet : burst.span()) frames.push_back(bytes_of(packet));
    return frames;
  }

  PacketPool pool = make_pool();
  std::unique_ptr<SliceTable> table;
  std::array<std::unique_ptr<SliceInput>, 3> inputs;
  ReadySet ready{4};
  ReadySet over_budget{4};
  DropCounters unclaimed;
  std::unique_ptr<Demultiplexer> demultiplexer;
};

Frame in_vlan(uint16_t vid, uint32_t number) { return tag(numbered(number), vid); }

}  // namespace

TEST_CASE("a mark gets no packet into a slice, and a wrong one keeps it out", "[demultiplexer]") {
  Bench bench;
  Counter strangers;
  bench.demultiplexer->expect(7, SliceId{0}, strangers);
  struct Row {
    std::string description;
    Frame frame;
    uint32_t mark;
    std::size_t queued;  // of slices 0 and 1
    uint64_t strangers;
    uint64_t unclaimed;
  };
  const std::vector<Row> rows{
      {"its slice's", in_vlan(100, 1), 7, 1, 0, 0},
      {"another slice's", in_vlan(200, 2), 7, 0, 1, 0},
      {"nobody's", in_vlan(999, 3), 7, 0, 1, 0},
      {"malformed", tag(numbered(4), 4095), 7, 0, 0, 1},
      {"another mark, below", in_vlan(200, 5), 6, 1, 0, 0},
      {"another mark, above", in_vlan(200, 6), 4000, 1, 0, 0},
  };
  for (const Row& row : rows) {
    INFO(row.description);
    const uint64_t strangers_before = strangers.read();
    const uint64_t unclaimed_before = bench.unclaimed.read(DropReason::malformed);
    bench.run_marked(row.frame, row.mark);
    CHECK(bench.queued(0).size() + bench.queued(1).size() == row.queued);
    CHECK(strangers.read() - strangers_before == row.strangers);
    CHECK(bench.unclaimed.read(DropReason::malformed) - unclaimed_before == row.unclaimed);
  }
  CHECK(bench.unclaimed.read(DropReason::not_in_flowspace) == 0);
  // What is not marked is sorted as ever.
  bench.run({in_vlan(200, 7), in_vlan(100, 8)});
  CHECK(bench.queued(0).size() + bench.queued(1).size() == 2);
  CHECK(bench.pool.in_use() == 0);
}

TEST_CASE("each slice gets its own packets in the order of their arrival", "[demultiplexer]") {
  Bench bench;
  bench.run(
      {in_vlan(100, 1), in_vlan(200, 2), in_vlan(100, 3), in_vlan(100, 4), numbered(5), in_vlan(200, 6)});
  CHECK(bench.queued(0) == std::vector<Frame>{in_vlan(100, 1), in_vlan(100, 3), in_vlan(100, 4)});
  CHECK(bench.queued(1) == std::vector<Frame>{in_vlan(200, 2), in_vlan(200, 6)});
  CHECK(bench.queued(2) == std::vector<Frame>{numbered(5)});
  CHECK(bench.inputs[0]->received.packets.read() == 3);
  CHECK(bench.inputs[0]->received.bytes.read() == 3 * 64);
  CHECK(bench.inputs[1]->received.packets.read() == 2);
  CHECK(bench.inputs[2]->received.bytes.read() == 60);
  CHECK(bench.pool.in_use() == 0);
}

TEST_CASE("the slices that got something are marked, and no others", "[demultiplexer]") {
  Bench bench;
  bench.run({});
  CHECK(bench.ready.marks(0) == 0);
  bench.run({in_vlan(300, 1)});
  CHECK(bench.ready.marks(0) == 0);
  bench.run({in_vlan(200, 1), numbered(2), in_vlan(200, 3)});
  CHECK(bench.ready.marks(0) == 0b110);
  std::array<std::size_t, 1> taken{};
  std::size_t turn = 0;
  CHECK(bench.ready.take(turn, taken) == 1);
  CHECK(taken[0] == 1);
  bench.run({in_vlan(100, 1)});
  CHECK(bench.ready.marks(0) == 0b101);
}

TEST_CASE("a full queue drops the newest, counted as its slice's", "[demultiplexer]") {
  Bench bench(4);
  bench.run({in_vlan(100, 1), in_vlan(100, 2), in_vlan(100, 3), in_vlan(200, 4), in_vlan(100, 5),
             in_vlan(100, 6), in_vlan(100, 7)});
  CHECK(bench.inputs[0]->received.packets.read() == 6);
  CHECK(bench.inputs[0]->dropped_full.read() == 2);
  CHECK(bench.inputs[1]->dropped_full.read() == 0);
  CHECK(bench.pool.in_use() == 5);
  CHECK(bench.queued(0) ==
        std::vector<Frame>{in_vlan(100, 1), in_vlan(100, 2), in_vlan(100, 3), in_vlan(100, 5)});
  CHECK(bench.queued(1) == std::vector<Frame>{in_vlan(200, 4)});
}

TEST_CASE("frames of several buffers take no more than a quarter beyond the places", "[demultiplexer]") {
  constexpr uint32_t kCapacity = 64;
  const auto sized = [](uint32_t number, std::size_t size) { return tag(numbered(number, size), 100); };
  Bench bench(kCapacity);
  bench.run({sized(0, 12'000), sized(1, 60)});  // of more buffers than any frame may have
  CHECK(bench.inputs[0]->dropped_full.read() == 1);
  CHECK(bench.queued(0) == std::vector<Frame>{sized(1, 60)});
  // As long as may be, until no more enter, and then what needs one buffer, until no more enters.
  for (const std::size_t size : {std::size_t{9'000}, std::size_t{60}})
    for (uint32_t number = 0; number < 2 * kCapacity; number += 16)
      bench.run(std::vector<Frame>(16, sized(number, size)));
  CHECK(bench.inputs[0]->queue.size() == kCapacity);
  CHECK(bench.pool.in_use() == SliceInput::buffers_of(kCapacity));
  CHECK(bench.inputs[0]->received.packets.read() == bench.inputs[0]->dropped_full.read() + kCapacity + 1);
  bench.inputs[0]->queue.drain();
  CHECK(bench.pool.in_use() == 0);
}

TEST_CASE("a short queue is full for want of memory, the longest by its own limit", "[demultiplexer]") {
  CHECK(SliceInput(SliceInput::kLongest / 2).full_reason() == DropReason::memory_quota);
  CHECK(SliceInput(SliceInput::kLongest).full_reason() == DropReason::queue_full);
}

TEST_CASE("what is nobody's and what is no frame are counted apart, and freed", "[demultiplexer]") {
  struct Row {
    const char* description;
    Frame packet;
    uint64_t unclaimed;
    uint64_t malformed;
  };
  const Frame plain = numbered(1);
  const std::vector<Row> rows{
      {"a VLAN that no slice has here", in_vlan(300, 1), 1, 0},
      {"a priority tag is VLAN 0, not untagged", in_vlan(0, 1), 1, 0},
      {"shorter than an Ethernet header", Frame(plain.begin(), plain.begin() + 13), 0, 1},
      {"nothing at all", {}, 0, 1},
      {"cut off within its tag",
       [] {
         Frame cut = in_vlan(100, 1);
         cut.resize(17);
         return cut;
       }(),
       0, 1},
      {"the reserved VID", in_vlan(4095, 1), 0, 1}};
  Bench bench;
  for (const Row& row : rows) {
    INFO(row.description);
    const uint64_t unclaimed = bench.unclaimed.read(DropReason::not_in_flowspace);
    const uint64_t malformed = bench.unclaimed.read(DropReason::malformed);
    bench.run({row.packet});
    CHECK(bench.unclaimed.read(DropReason::not_in_flowspace) - unclaimed == row.unclaimed);
    CHECK(bench.unclaimed.read(DropReason::malformed) - malformed == row.malformed);
    CHECK(bench.pool.in_use() == 0);
  }
}

TEST_CASE("the packet's state says what its outermost tag says", "[demultiplexer]") {
  Bench bench;
  bench.run({tag(tag(numbered(1), 7, 1), 100, 5)});
  Burst burst;
  burst.resize(bench.inputs[0]->queue.pop(burst.raw(), 1));
  REQUIRE(burst.size() == 1);
  CHECK(burst[0].state().vlan == Vlan{100});
  CHECK(burst[0].state().pcp == 5);
  bench.run({numbered(2)});
  Burst untagged;
  untagged.resize(bench.inputs[2]->queue.pop(untagged.raw(), 1));
  REQUIRE(untagged.size() == 1);
  CHECK_FALSE(untagged[0].state().vlan.is_tagged());
  CHECK(untagged[0].state().pcp == 0);
}

TEST_CASE("a frame whose tag could not be edited in its first segment is malformed", "[demultiplexer]") {
  Bench bench;
  for (const uint32_t first : {1u, 12u, 14u, 17u, 18u, 40u}) {
    INFO("first segment of " << first << " bytes");
    const uint64_t before = bench.unclaimed.read(DropReason::malformed);
    const std::array<uint32_t, 1> sizes{first};
    Burst burst;
    burst.push_back(segmented(bench.pool, in_vlan(100, 1), sizes));
    bench.demultiplexer->run(burst);
    CHECK(bench.unclaimed.read(DropReason::malformed) - before == (first < 18 ? 1 : 0));
    CHECK(bench.queued(0).size() == (first < 18 ? 0 : 1));
  }
  CHECK(bench.pool.in_use() == 0);
}

TEST_CASE("a full queue of a slice that waits for the CPU drops under its budget's name", "[demultiplexer]") {
  Bench bench(2);
  bench.over_budget.mark(0);
  bench.run({tag(numbered(1), 100), tag(numbered(2), 100), tag(numbered(3), 100), tag(numbered(4), 200),
             tag(numbered(5), 200), tag(numbered(6), 200)});
  CHECK(bench.inputs[0]->dropped_budget.read() == 1);
  CHECK(bench.inputs[0]->dropped_full.read() == 0);
  CHECK(bench.inputs[1]->dropped_budget.read() == 0);
  CHECK(bench.inputs[1]->dropped_full.read() == 1);
}

TEST_CASE("what a burst took is divided by packets among the slices that it was for", "[demultiplexer]") {
  Bench bench(2);
  bench.run({tag(numbered(1), 100), tag(numbered(2), 200), tag(numbered(3), 100), tag(numbered(4), 100),
             tag(numbered(5), 4000)});
  CHECK(bench.demultiplexer->charge(503) == 400);  // a packet was nobody's, 3 cycles do not divide
  CHECK(bench.inputs[0]->cycles.read() == 300);    // the dropped one too
  CHECK(bench.inputs[1]->cycles.read() == 100);
  CHECK(bench.inputs[2]->cycles.read() == 0);
  Burst nothing;
  bench.demultiplexer->run(nothing);
  CHECK(bench.demultiplexer->charge(1000) == 0);
  CHECK(bench.inputs[0]->cycles.read() == 300);
}
