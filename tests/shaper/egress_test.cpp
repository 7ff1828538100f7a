// SPDX-License-Identifier: Apache-2.0
#include "shaper/egress.hpp"

#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <vector>

#include "nic/clock.hpp"
#include "tests/shaper/box.hpp"

using namespace bulkhead;
using namespace bulkhead::test;

namespace {

/// The way out of one port, with slices that have put packets into their rings.
struct Bench {
  Bench(const std::string& name, const std::vector<SliceSpec>& slices, BitsPerSecond speed = 400_Gbps,
        uint32_t ring_size = 1023)
      : box(name, 1, ring_size),
        ready(slices.size()),
        egress(box.port(0).port, {.speed = speed, .clock_hz = clock_hz()}),
        now(clock_now()) {
    for (const SliceSpec& spec : slices) {
      runtimes.push_back(Box::unconnected(spec));
      outputs.push_back(runtimes.back()->attachments()[0].output.get());
      egress.attach(*outputs.back());
    }
  }
  ~Bench() {
    for (SliceOutput* output : outputs)
      if (output->slot != SliceOutput::kNoSlot) egress.detach(*output, DropReason::shutdown);
  }

  /// As if the slice had forwarded a packet of this number.
  void queue(std::size_t slice, uint32_t number, uint8_t pcp = 0, std::size_t size = 60) {
    const Packet packet = packet_of(box.pool(), numbered(number, size), now);
    packet.state().pcp = pcp;
    SliceOutput& output = *outputs[slice];
    REQUIRE(output.ring.push({&packet, 1}) == 1);
    output.entered[pcp].add(1);
    output.all_entered.add(1);
    ready.mark(slice);
  }
  /// As if the slice had offered it to the port itself.
  bool pass(std::size_t slice, uint32_t number) {
    const Packet packet = packet_of(box.pool(), numbered(number), now);
    SliceOutput& output = *outputs[slice];
    const bool passed = egress.pass(output, {&packet, 1}, now);
    if (!passed) return free_packets({&packet, 1}), false;
    output.entered[0].add(1);
    output.all_entered.add(1);
    return true;
  }
  uint32_t visit() {
    CpuMeter meter(now);
    const uint32_t moved = egress.visit(ready, outputs, meter);
    now = meter.now();
    return moved;
  }
  /// Visits at this moment, which is not before the last one.
  uint32_t visit_at(Cycles moment) {
    now = moment;
    return visit();
  }
  std::vector<uint32_t> sent(std::size_t most = SIZE_MAX) {
    std::vector<uint32_t> numbers;
    for (const Frame& frame : box.ring(0).collect(most)) numbers.push_back(number_of(frame));
    return numbers;
  }
  /// All that comes out while the port is visited until it has no more.
  std::vector<uint32_t> sent_in_the_end() {
    std::vector<uint32_t> all;
    do {
      now = clock_now();
      visit();
      std::ranges::copy(sent(), std::back_inserter(all));
    } while (std::ranges::any_of(outputs, [](const SliceOutput* output) { return output->queued() > 0; }));
    return all;
  }

  Box box;
  ReadySet ready;
  std::vector<std::shared_ptr<SliceRuntime>> runtimes;
  std::vector<SliceOutput*> outputs;
  Egress egress;
  Cycles now;
};

SliceSpec named(const std::string& name, uint32_t capacity = 256) {
  return {.name = name, .places = {{.port = 0}}, .capacity = capacity};
}

std::vector<uint32_t> range(uint32_t first, uint32_t last) {
  std::vector<uint32_t> numbers;
  for (uint32_t i = first; i < last; ++i) numbers.push_back(i);
  return numbers;
}

}  // namespace

TEST_CASE("without a device, packets are dropped and counted; with one again, they leave", "[egress]") {
  Bench bench("eg-gone", {named("a"), named("b")});
  bench.egress.set_open(false);
  for (uint32_t i = 0; i < 200; ++i) bench.queue(i % 2, i);
  CHECK(bench.sent_in_the_end().empty());
  for (const auto& runtime : bench.runtimes) {
    CHECK(dropped(*runtime, DropReason::transmit_failed) == 100);
    CHECK(runtime->held_buffers() == 0);
    CHECK(runtime->attachments()[0].output->cycles.read() > 0);
  }
  CHECK(bench.pass(0, 300));
  bench.visit();
  CHECK(dropped(*bench.runtimes[0], DropReason::transmit_failed) == 101);
  CHECK(bench.box.pool().in_use() == 0);
  bench.egress.set_open(true);
  bench.queue(0, 400);
  CHECK(bench.sent_in_the_end() == std::vector<uint32_t>{400});
}

TEST_CASE("packets of a class leave in order and are counted by priority", "[egress]") {
  Bench bench("eg-a", {named("a")});
  CHECK(bench.visit() == 0);
  for (uint32_t i = 0; i < 40; ++i) bench.queue(0, i, i % 2 == 0 ? 0 : 5);
  std::vector<uint32_t> sent = bench.sent_in_the_end();
  std::vector<uint32_t> odd;
  std::ranges::copy_if(sent, std::back_inserter(odd), [](uint32_t number) { return number % 2 == 1; });
  CHECK(std::ranges::is_sorted(odd));
  std::ranges::sort(sent);
  CHECK(sent == range(0, 40));
  const SliceOutput& output = *bench.outputs[0];
  CHECK(output.transmitted[0].packets.read() == 20);
  CHECK(output.transmitted[5].packets.read() == 20);
  CHECK(output.transmitted[5].bytes.read() == 20 * 60);
  CHECK(output.queued() == 0);
  CHECK(bench.ready.marks(0) == 0);
  CHECK(output.cycles.read() > 0);
  // By class: 802.1Q's order gives priority 5 the third, and 0 the seventh.
  const auto stayed = [&](std::size_t number) {
    uint64_t packets = 0;
    for (std::size_t i = 0; i < ResidenceHistogram::kBuckets; ++i)
      packets += output.residence.packets(i, number);
    return packets;
  };
  CHECK(stayed(2) == 20);
  CHECK(stayed(6) == 20);
}

TEST_CASE("workers whose readings of the clock differ earn nothing but what goes by", "[egress]") {
  // A frame takes 6.7 us.
  Bench bench("eg-m", {named("a")}, 100_Mbps);
  for (uint32_t i = 0; i < 250; ++i) bench.queue(0, i);
  const uint64_t microsecond = clock_hz() / 1'000'000;
  const uint64_t start = bench.now.count();
  for (uint64_t i = 0; i < 200; ++i) {
    bench.visit_at(Cycles{start + i * microsecond});
    if (i > 50) bench.visit_at(Cycles{start + (i - 50) * microsecond});
  }
  const std::size_t sent = bench.sent().size();
  CHECK(sent >= 25);
  CHECK(sent <= 45);
}

TEST_CASE("a more urgent class goes first", "[egress]") {
  Bench bench("eg-b", {named("a")}, 100_Mbps);
  for (uint32_t i = 0; i < 8; ++i) bench.queue(0, i, static_cast<uint8_t>(i));
  CHECK(bench.sent_in_the_end() == std::vector<uint32_t>{7, 6, 5, 4, 3, 2, 0, 1});
}

TEST_CASE("what a device does not take waits, is not counted and is not overtaken", "[egress]") {
  Bench bench("eg-c", {named("a"), named("b")}, 400_Gbps, 15);
  for (uint32_t i = 0; i < 30; ++i) bench.queue(0, i);
  CHECK(bench.visit() == 15);
  CHECK(bench.egress.pending() == 15);
  CHECK(bench.egress.next_event() == std::nullopt);
  CHECK(bench.outputs[0]->transmitted[0].packets.read() == 15);
  CHECK(bench.outputs[0]->queued() == 15);
  CHECK(bench.visit() == 0);
  for (uint32_t i = 30; i < 35; ++i) bench.queue(1, i);
  CHECK(bench.sent(4) == range(0, 4));
  CHECK(bench.visit() == 4);
  CHECK(bench.egress.pending() == 11);
  CHECK(bench.sent_in_the_end() == range(4, 35));
  CHECK(bench.egress.pending() == 0);
  CHECK(bench.outputs[0]->transmitted[0].packets.read() == 30);
  CHECK(bench.outputs[1]->transmitted[0].packets.read() == 5);
}

TEST_CASE("packets pass where nobody's wait, and leave with the next visit", "[egress]") {
  Bench bench("eg-p", {named("a"), named("b")}, 400_Gbps, 15);
  for (uint32_t i = 0; i < 20; ++i) CHECK(bench.pass(i % 2, i));
  CHECK(bench.egress.pending() == 20);
  CHECK(bench.sent().empty());
  CHECK(bench.visit() == 15);
  CHECK_FALSE(bench.pass(0, 20));  // the device is full
  CHECK(bench.sent_in_the_end() == range(0, 20));
  CHECK(bench.outputs[0]->transmitted[0].packets.read() == 10);
  CHECK(bench.pass(0, 20));
  CHECK(bench.sent_in_the_end() == range(20, 21));
  CHECK(bench.box.pool().in_use() == 0);
}

TEST_CASE("a visit's packets pass behind as many that do not yet make enough to be sent", "[egress]") {
  Bench bench("eg-r", {named("a")});
  constexpr uint32_t kRoom = 2 * Burst::kCapacity;
  for (uint32_t i = 0; i < kRoom; ++i) CHECK(bench.pass(0, i));
  CHECK_FALSE(bench.pass(0, kRoom));
  CHECK(bench.visit() == kRoom);
  CHECK(bench.pass(0, kRoom));
  CHECK(bench.sent_in_the_end() == range(0, kRoom + 1));
}

TEST_CASE("nobody passes beyond the port's speed, nor those who wait for it", "[egress]") {
  Bench bench("eg-q", {named("a"), named("b")}, 100_Mbps);
  uint32_t passed = 0;
  while (passed < 64 && bench.pass(0, passed)) ++passed;
  CHECK(passed > 0);
  CHECK(passed < 64);  // no more than is due at the port's speed
  for (uint32_t i = 0; i < 40; ++i) bench.queue(1, passed + i);
  bench.visit_at(bench.now);
  CHECK(bench.outputs[1]->queued() > 0);
  CHECK_FALSE(bench.pass(0, passed + 40));
  CHECK(bench.sent_in_the_end() == range(0, passed + 40));
}

TEST_CASE("what is detached is dropped wherever it waits, others keep their order", "[egress]") {
  Bench bench("eg-d", {named("a"), named("b")}, 400_Gbps, 7);
  for (uint32_t i = 0; i < 100; ++i) bench.queue(0, i, 3);
  CHECK(bench.visit() == 7);
  CHECK(bench.egress.pending() > 0);
  for (uint32_t i = 100; i < 110; ++i) bench.queue(1, i);
  bench.egress.detach(*bench.outputs[0], DropReason::shutdown);
  bench.runtimes[0]->drop_queued();
  CHECK(bench.outputs[0]->dropped.read(DropReason::shutdown) == 93);
  CHECK(bench.outputs[0]->dropped_by_pcp[3].read() == 93);
  CHECK(bench.outputs[0]->queued() == 0);
  std::array<std::size_t, 2> marked{};
  std::size_t turn = 0;
  REQUIRE(bench.ready.take(turn, marked) == 2);
  bench.ready.mark(1);  // the layout that the detached slice was part of is not visited any more
  CHECK(bench.outputs[1]->queued() == 10);
  CHECK(bench.sent() == range(0, 7));
  std::vector<uint32_t> rest;
  while (bench.outputs[1]->queued() > 0) {
    bench.visit();
    std::ranges::copy(bench.sent(), std::back_inserter(rest));
  }
  CHECK(rest == range(100, 110));
  CHECK(bench.box.pool().in_use() == 0);
}

TEST_CASE("a place that became free is used again", "[egress]") {
  Bench bench("eg-e", {named("a"), named("b"), named("c")});
  CHECK(bench.outputs[1]->slot == 1);
  bench.egress.detach(*bench.outputs[1], DropReason::shutdown);
  const auto d = Box::unconnected(named("d"));
  SliceOutput& output = *d->attachments()[0].output;
  bench.egress.attach(output);
  CHECK(output.slot == 1);
  bench.runtimes[1] = d;
  bench.outputs[1] = &output;
  bench.queue(1, 5);
  CHECK(bench.sent_in_the_end() == std::vector<uint32_t>{5});
}

TEST_CASE("a port is paced at its speed", "[egress]") {
  // 84 bytes on the wire at 672 Mb/s take a microsecond. The device is given 10 us of work at a time.
  Bench bench("eg-f", {named("a")}, 672_Mbps);
  const Cycles start = bench.now;
  const uint64_t hz = clock_hz();
  const auto after = [&](uint64_t microseconds) { return start + Cycles{hz * microseconds / 1'000'000}; };
  for (uint32_t i = 0; i < 200; ++i) bench.queue(0, i);
  uint64_t sent = bench.visit_at(start);
  CHECK(sent >= 10);
  CHECK(sent <= 10 + 18);  // and a run of a largest frame
  for (uint64_t microseconds = 1; microseconds <= 100; ++microseconds)
    sent += bench.visit_at(after(microseconds));
  CHECK(sent >= 100);
  CHECK(sent <= 110 + 18);
  REQUIRE(bench.egress.next_event());
  CHECK(*bench.egress.next_event() > after(100));
}

TEST_CASE("a ceiling holds a slice back, not its neighbour", "[egress]") {
  SliceSpec slow = named("slow");
  slow.rates.rates.ceiling = 1_Mbps;
  slow.rates.rates.burst = Bytes{3200};
  Bench bench("eg-g", {slow, named("free")});
  for (uint32_t i = 0; i < 100; ++i) bench.queue(0, i);
  for (uint32_t i = 0; i < 100; ++i) bench.queue(1, 1000 + i);
  // At these moments, however long the visits themselves are kept from their core.
  const uint64_t start = bench.now.count();
  for (uint64_t i = 0; i < 50; ++i) bench.visit_at(Cycles{start + i * clock_hz() / 1'000'000});
  CHECK(bench.outputs[1]->queued() == 0);
  const uint64_t passed = bench.outputs[0]->transmitted[0].packets.read();
  CHECK(passed * 84 <= 3200);
  CHECK(passed * 84 >= 3200 - 1546);
  bench.egress.set_rates(*bench.outputs[0], {});
  CHECK(bench.sent_in_the_end().size() == 200);
}

TEST_CASE("a class that is full drops the newest and hurts no other", "[egress]") {
  Bench bench("eg-h", {named("a", 64)}, 1_Mbps);
  const Cycles start = bench.now;
  for (uint32_t i = 0; i < 60; ++i) bench.queue(0, i, 0);
  bench.visit_at(start);
  for (uint32_t i = 60; i < 64; ++i) bench.queue(0, i, 7);
  bench.visit_at(start + Cycles{1});
  const SliceOutput& output = *bench.outputs[0];
  CHECK(output.dropped.read(DropReason::queue_full) > 0);
  CHECK(output.dropped_by_pcp[0].read() == output.dropped.read(DropReason::queue_full));
  CHECK(output.dropped_by_pcp[7].read() == 0);
  CHECK(output.entered[0].read() ==
        output.transmitted[0].packets.read() + output.queued(0) + output.dropped_by_pcp[0].read());
}

TEST_CASE("a slice pays for what is dropped of it, though nothing leaves", "[egress]") {
  Bench bench("eg-n", {named("a", 64)}, 1_Mbps);
  const Cycles start = bench.now;
  for (uint32_t i = 0; i < 4; ++i) bench.queue(0, i, 0);
  bench.visit_at(start);
  const SliceOutput& output = *bench.outputs[0];
  CHECK(output.dropped.read(DropReason::queue_full) == 0);
  const uint64_t paid = output.cycles.read();
  for (uint32_t round = 0; output.dropped.read(DropReason::queue_full) == 0; ++round) {
    CHECK(output.cycles.read() == paid);
    for (uint32_t i = 0; i < 4; ++i) bench.queue(0, i, 0);
    bench.visit_at(start + Cycles{round + 1});
  }
  CHECK(output.cycles.read() > paid);
}

TEST_CASE("a visit ends although there is more to send", "[egress]") {
  Bench bench("eg-i", {named("deep", 2048)});
  for (uint32_t i = 0; i < 600; ++i) bench.queue(0, i);
  const uint32_t first = bench.visit();
  CHECK(first < 600);
  CHECK(bench.ready.marks(0) == 1);  // and is continued by the next one
  std::vector<uint32_t> all = bench.sent();
  std::ranges::copy(bench.sent_in_the_end(), std::back_inserter(all));
  CHECK(all == range(0, 600));
}
