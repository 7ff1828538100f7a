// SPDX-License-Identifier: Apache-2.0
#include "shaper/egress.hpp"

#include <catch2/catch.hpp>
#include <vector>

#include "nic/clock.hpp"
#include "tests/shaper/box.hpp"

using namespace bulkhead;
using namespace bulkhead::test;

namespace {

/// The way out of one port, with slices that have put packets into their output queues.
struct Bench {
  Bench(const std::string& name, std::size_t slices, uint32_t ring_size = 1023)
      : box(name, 1, ring_size), ready(slices), egress(box.port(0).port, MicrosecondScale(clock_hz())) {
    for (std::size_t i = 0; i < slices; ++i) {
      runtimes.push_back(Box::unconnected({.name = "s" + std::to_string(i), .places = {{.port = 0}}}));
      outputs.push_back(runtimes.back()->attachments()[0].output.get());
    }
  }

  /// As if the slice had forwarded a packet of this number.
  void queue(std::size_t slice, uint32_t number, uint8_t pcp = 0) {
    const Packet packet = packet_of(box.pool(), numbered(number), clock_now());
    packet.state().pcp = pcp;
    SliceOutput& output = *outputs[slice];
    REQUIRE(output.queue.push({&packet, 1}) == 1);
    output.entered[pcp].add(1);
    ready.mark(slice);
  }
  uint32_t visit() { return egress.visit(ready, outputs); }
  std::vector<uint32_t> sent(std::size_t most = SIZE_MAX) {
    std::vector<uint32_t> numbers;
    for (const Frame& frame : box.ring(0).collect(most)) numbers.push_back(number_of(frame));
    return numbers;
  }

  Box box;
  ReadySet ready;
  std::vector<std::shared_ptr<SliceRuntime>> runtimes;
  std::vector<SliceOutput*> outputs;
  Egress egress;
};

std::vector<uint32_t> range(uint32_t first, uint32_t last) {
  std::vector<uint32_t> numbers;
  for (uint32_t i = first; i < last; ++i) numbers.push_back(i);
  return numbers;
}

}  // namespace

TEST_CASE("packets leave in order and are counted by priority", "[egress]") {
  Bench bench("eg-a", 1);
  CHECK(bench.visit() == 0);
  for (uint32_t i = 0; i < 40; ++i) bench.queue(0, i, i % 2 == 0 ? 0 : 5);
  CHECK(bench.visit() == 40);
  CHECK(bench.sent() == range(0, 40));
  const SliceOutput& output = *bench.outputs[0];
  CHECK(output.transmitted[0].packets.read() == 20);
  CHECK(output.transmitted[5].packets.read() == 20);
  CHECK(output.transmitted[5].bytes.read() == 20 * 60);
  CHECK(output.queued() == 0);
  CHECK(bench.ready.marks(0) == 0);
  uint64_t stayed = 0;
  for (std::size_t i = 0; i < ResidenceHistogram::kBuckets; ++i) stayed += output.residence.packets(i);
  CHECK(stayed == 40);
  CHECK(output.residence.sum() > Cycles{0});
}

TEST_CASE("slices take turns of a burst, however much one of them has", "[egress]") {
  Bench bench("eg-b", 3, 127);
  for (uint32_t i = 0; i < 200; ++i) bench.queue(0, i);
  for (uint32_t i = 0; i < 64; ++i) bench.queue(1, 1000 + i);
  for (uint32_t i = 0; i < 64; ++i) bench.queue(2, 2000 + i);
  CHECK(bench.visit() == 127);
  const std::vector<uint32_t> first = bench.sent();
  REQUIRE(first.size() == 127);
  std::vector<uint32_t> turns;
  for (const uint32_t number : first)
    if (turns.empty() || turns.back() != number / 1000) turns.push_back(number / 1000);
  CHECK(turns == std::vector<uint32_t>{0, 1, 2, 0});
  // 96 of a turn of 32 each, and of the second round's first turn what the device took.
  CHECK(first[31] == 31);
  CHECK(first[32] == 1000);
  CHECK(first[96] == 32);
  while (bench.visit() > 0) (void)bench.sent();
  for (const SliceOutput* output : bench.outputs) CHECK(output->queued() == 0);
}

TEST_CASE("what a device does not take waits, is not counted and is not overtaken", "[egress]") {
  Bench bench("eg-c", 2, 15);
  for (uint32_t i = 0; i < 30; ++i) bench.queue(0, i);
  CHECK(bench.visit() == 15);
  CHECK(bench.egress.pending() == 15);
  CHECK(bench.outputs[0]->transmitted[0].packets.read() == 15);
  CHECK(bench.outputs[0]->queued() == 15);
  CHECK(bench.visit() == 0);
  for (uint32_t i = 30; i < 35; ++i) bench.queue(1, i);
  CHECK(bench.sent(4) == range(0, 4));
  CHECK(bench.visit() == 4);
  CHECK(bench.egress.pending() == 11);
  std::vector<uint32_t> rest;
  for (int round = 0; round < 10; ++round) {
    for (const uint32_t number : bench.sent()) rest.push_back(number);
    bench.visit();
  }
  CHECK(rest == range(4, 35));
  CHECK(bench.egress.pending() == 0);
  CHECK(bench.outputs[0]->transmitted[0].packets.read() == 30);
  CHECK(bench.outputs[1]->transmitted[0].packets.read() == 5);
}

TEST_CASE("pending packets of one slice can be dropped, those of others keep their order", "[egress]") {
  Bench bench("eg-d", 2, 7);
  for (uint32_t i = 0; i < 10; ++i) bench.queue(0, i, 3);
  for (uint32_t i = 100; i < 110; ++i) bench.queue(1, i);
  CHECK(bench.visit() == 7);
  CHECK(bench.egress.pending() == 13);
  bench.egress.drop_pending(bench.outputs[0], DropReason::shutdown);
  CHECK(bench.egress.pending() == 10);
  CHECK(bench.outputs[0]->dropped.read(DropReason::shutdown) == 3);
  CHECK(bench.outputs[0]->dropped_by_pcp[3].read() == 3);
  CHECK(bench.outputs[0]->queued() == 0);
  CHECK(bench.outputs[1]->queued() == 10);
  CHECK(bench.sent() == range(0, 7));
  CHECK(bench.visit() == 7);
  CHECK(bench.sent() == range(100, 107));
  bench.egress.drop_pending(nullptr, DropReason::transmit_failed);
  CHECK(bench.egress.pending() == 0);
  CHECK(bench.outputs[1]->dropped.read(DropReason::transmit_failed) == 3);
  CHECK(bench.outputs[1]->queued() == 0);
  CHECK(bench.box.pool().in_use() == 0);
  bench.queue(1, 200);
  CHECK(bench.visit() == 1);
  CHECK(bench.sent() == range(200, 201));
}

TEST_CASE("a visit ends although there is more to send", "[egress]") {
  Bench bench("eg-e", 1);
  SliceSpec deep{.name = "deep", .places = {{.port = 0}}, .capacity = 1024};
  const auto runtime = Box::unconnected(deep);
  bench.outputs[0] = runtime->attachments()[0].output.get();
  for (uint32_t i = 0; i < 600; ++i) bench.queue(0, i);
  const uint32_t first = bench.visit();
  CHECK(first < 600);
  CHECK(bench.ready.marks(0) == 1);  // and is continued by the next one
  uint32_t all = first;
  while (const uint32_t more = bench.visit()) all += more;
  CHECK(all == 600);
  CHECK(bench.sent() == range(0, 600));
}
