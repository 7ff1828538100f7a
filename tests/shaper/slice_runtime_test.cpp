// SPDX-License-Identifier: Apache-2.0
#include "shaper/slice_runtime.hpp"

#include <catch2/catch.hpp>
#include <optional>
#include <span>
#include <vector>

#include "nic/clock.hpp"
#include "tests/shaper/box.hpp"

using namespace bulkhead;
using namespace bulkhead::test;

namespace {

/// A slice alone, fed through its input queues and emptied at its output queues.
struct Bench {
  explicit Bench(const SliceSpec& spec, uint32_t packets = 1023)
      : pool(make_pool(packets)), scratch(kMaxPorts, pool), slice(Box::unconnected(spec)) {}

  void queue(LocalPort port, const Frame& frame) {
    SliceInput& input = *slice->attachments()[port].input;
    const Packet packet = packet_of(pool, frame);
    input.received.add(1, packet.length());
    REQUIRE(input.queue.push({&packet, 1}) == 1);
  }
  uint32_t visit() {
    ClaimedPorts none({}, Cycles{1});
    last = slice->visit(Cycles{1}, scratch, none);
    return last.packets;
  }
  std::vector<Frame> output(LocalPort port) const {
    Burst burst;
    burst.resize(slice->attachments()[port].output->ring.pop(burst.raw(), Burst::kCapacity));
    std::vector<Frame> frames;
    for (const Packet packet : burst.span()) frames.push_back(bytes_of(packet));
    return frames;
  }

  PacketPool pool;
  ForwardingOutputs scratch;
  std::shared_ptr<SliceRuntime> slice;
  SliceRuntime::Visit last;
};

SliceSpec wire() {
  return {.name = "a", .places = {{.port = 3, .vlans = {100}}, {.port = 5, .vlans = {200}}}};
}

}  // namespace

TEST_CASE("a slice knows which of its attachments is at a port", "[slice_runtime]") {
  const Bench bench(wire());
  CHECK(bench.slice->local_port(PortId{5}) == LocalPort{1});
  CHECK(bench.slice->attachment_at(PortId{3}) == &bench.slice->attachments()[0]);
  CHECK_FALSE(bench.slice->local_port(PortId{4}));
  CHECK(bench.slice->attachment_at(PortId{4}) == nullptr);
}

TEST_CASE("a visit forwards what waits at every port, tagged for the port it goes to", "[slice_runtime]") {
  Bench bench(wire());
  CHECK(bench.visit() == 0);
  bench.queue(0, tag(numbered(1), 100, 5));
  bench.queue(0, tag(numbered(2), 100));
  bench.queue(1, tag(numbered(3), 200, 3));
  CHECK(bench.visit() == 3);
  CHECK(bench.last.sent_to == (1 << 3 | 1 << 5));
  CHECK_FALSE(bench.last.wants_more);
  CHECK(bench.slice->holds_packets());
  const SliceOutput& output = *bench.slice->attachments()[1].output;
  CHECK(output.queued(5) == 1);
  CHECK(output.queued(0) == 1);
  CHECK(output.queued() == 2);
  CHECK(account_of(*bench.slice).balanced());
  CHECK(bench.output(1) == std::vector<Frame>{tag(numbered(1), 200, 5), tag(numbered(2), 200)});
  CHECK(bench.output(0) == std::vector<Frame>{tag(numbered(3), 100, 3)});
}

TEST_CASE("packets leave past the rings where nothing waits, and overtake nothing where something does",
          "[slice_runtime]") {
  Box box("past", 2);
  const BoxSlice slice =
      Box::slice({.name = "a", .places = {{.port = 0, .vlans = {100}}, {.port = 1, .vlans = {100}}}});
  const auto layout = box.layout({slice});
  ForwardingOutputs scratch(kMaxPorts, box.pool());
  CpuMeter meter(clock_now());
  const auto forward = [&](uint32_t number, bool with_exits) {
    const Cycles now = meter.now();
    SliceInput& input = *slice.runtime->attachments()[0].input;
    const Packet packet = packet_of(box.pool(), tag(numbered(number), 100), now);
    input.received.add(1, packet.length());
    REQUIRE(input.queue.push({&packet, 1}) == 1);
    ClaimedPorts exits(with_exits ? layout->port_runtimes() : std::span<PortRuntime* const>{}, now);
    return slice.runtime->visit(now, scratch, exits).sent_to;
  };
  const Layout::PortPlace& place = layout->ports()[1];
  const SliceOutput& output = *slice.runtime->attachments()[1].output;
  CHECK(forward(1, false) == 0b10);
  CHECK(forward(2, true) == 0b10);
  CHECK(output.ring.size() == 2);
  place.runtime->egress.visit(*place.ready, place.outputs, meter);
  CHECK(box.ring(1).collect() == std::vector<Frame>{tag(numbered(1), 100), tag(numbered(2), 100)});

  CHECK(forward(3, true) == 0);
  CHECK(output.ring.empty());
  CHECK(place.runtime->egress.pending() == 1);
  CHECK(output.queued() == 1);
  place.runtime->egress.visit(*place.ready, place.outputs, meter);
  CHECK(box.ring(1).collect() == std::vector<Frame>{tag(numbered(3), 100)});
  CHECK(output.queued() == 0);
  CHECK(account_of(*slice.runtime).balanced());
}

TEST_CASE("a visit takes a burst from each port, the rest waits for the next", "[slice_runtime]") {
  Bench bench(wire());
  for (uint32_t i = 0; i < 70; ++i) bench.queue(0, tag(numbered(i), 100));
  bench.queue(1, tag(numbered(99), 200));
  CHECK(bench.visit() == 65);
  CHECK(bench.last.wants_more);
  CHECK(bench.visit() == 6);
  CHECK_FALSE(bench.last.wants_more);
  bench.slice->drop_queued();
}

TEST_CASE("visits that take too long are made shorter, and longer again once they are cheap",
          "[slice_runtime]") {
  Bench bench(wire());
  const auto take = [&] {
    for (uint32_t i = 0; i < 70; ++i) bench.queue(0, tag(numbered(i), 100));
    const uint32_t taken = bench.visit();
    bench.slice->drop_queued();
    return taken;
  };
  constexpr Cycles kLongest{10'000};
  CHECK(take() == 64);
  bench.slice->adapt(Cycles{40'000}, kLongest);
  CHECK(take() == 16);
  bench.slice->adapt(Cycles{10'000}, kLongest);  // just right
  CHECK(take() == 16);
  bench.slice->adapt(Cycles{1'000'000}, kLongest);
  CHECK(take() == 1);  // never none
  // Most of that may be the visit's, not the packet's: it is tried out.
  bench.slice->adapt(Cycles{7'000}, kLongest);
  CHECK(take() == 2);
  bench.slice->adapt(Cycles{8'000}, kLongest);
  CHECK(take() == 2);
  bench.slice->adapt(Cycles{20'000}, kLongest);
  CHECK(take() == 1);
  for (const uint32_t expected : {2u, 4u, 8u, 16u, 32u, 64u, 64u}) {
    bench.slice->adapt(Cycles{4'000}, kLongest);
    CHECK(take() == expected);
  }
}

TEST_CASE("a full input that holds less than a burst wants another visit", "[slice_runtime]") {
  SliceSpec spec = wire();
  spec.capacity = 16;
  Bench bench(spec);
  for (uint32_t i = 0; i < 16; ++i) bench.queue(0, tag(numbered(i), 100));
  CHECK(bench.visit() == 16);
  CHECK(bench.last.wants_more);
  bench.slice->drop_queued();
}

TEST_CASE("a packet that cannot go on is dropped under the reason why", "[slice_runtime]") {
  struct Row {
    const char* description;
    SliceSpec spec;
    std::vector<Frame> packets;
    std::optional<DropReason> reason;
    uint64_t drops;
  };
  SliceSpec several = wire();
  several.places[1].vlans = {200, 201};
  SliceSpec untagged = wire();
  untagged.places[1].vlans = {Vlan::kUntagged};
  SliceSpec jumbo = wire();
  jumbo.limits.max_frame = 9022;
  SliceSpec one_segment = jumbo;
  one_segment.limits.takes_segments = false;
  SliceSpec lan{.name = "lan",
                .places = {{.port = 0, .vlans = {100}}, {.port = 1, .vlans = {100}}},
                .model = SliceSpec::Model::learning_switch};
  SliceSpec push{.name = "a", .places = {{.port = 0}, {.port = 1, .vlans = {200}}}};
  push.limits.max_frame = 1518;
  const std::vector<Row> rows{
      {"the longest frame fits", wire(), {tag(udp(kAlice, kBob, 1518), 100)}, std::nullopt, 0},
      {"one byte more does not", wire(), {tag(udp(kAlice, kBob, 1519), 100)}, DropReason::frame_too_long, 1},
      {"a tag to be added counts", push, {udp(kAlice, kBob, 1515)}, DropReason::frame_too_long, 1},
      {"with it, a full frame fits", push, {udp(kAlice, kBob, 1514)}, std::nullopt, 0},
      {"a frame in segments where the port takes them",
       jumbo,
       {tag(udp(kAlice, kBob, 9000), 100)},
       std::nullopt,
       0},
      {"and where it does not",
       one_segment,
       {tag(udp(kAlice, kBob, 9000), 100)},
       DropReason::frame_too_long,
       1},
      {"a VLAN that the slice has not got at the output",
       several,
       {tag(numbered(1), 100)},
       DropReason::egress_vlan,
       1},
      {"a tag under the one to be removed",
       untagged,
       {tag(tag(numbered(1), 7), 100)},
       DropReason::egress_vlan,
       1},
      {"a reserved address",
       lan,
       {tag(udp(kAlice, MacAddress{0x0180'c200'000e}), 100)},
       DropReason::reserved_address,
       1},
      {"a station behind its own port", lan, {tag(udp(kAlice, kAlice), 100)}, DropReason::no_output, 1}};
  for (const Row& row : rows) {
    INFO(row.description);
    Bench bench(row.spec);
    for (const Frame& frame : row.packets) bench.queue(0, frame);
    bench.visit();
    const Account account = account_of(*bench.slice);
    CHECK(account.balanced());
    CHECK(account.dropped == row.drops);
    if (row.reason) CHECK(dropped(*bench.slice, *row.reason) == row.drops);
    CHECK(bench.output(1).size() == row.packets.size() - row.drops);
    CHECK(bench.pool.in_use() == 0);
  }
}

TEST_CASE("a full output queue keeps the first packets and drops the others", "[slice_runtime]") {
  SliceSpec spec = wire();
  spec.capacity = 4;
  Bench bench(spec);
  for (uint32_t round = 0; round < 2; ++round) {
    for (uint32_t i = 0; i < 3; ++i) bench.queue(0, tag(numbered(round * 3 + i), 100));
    bench.visit();
  }
  CHECK(dropped(*bench.slice, DropReason::memory_quota) == 2);  // shorter than a queue may be
  CHECK(account_of(*bench.slice).balanced());
  const std::vector<Frame> frames = bench.output(1);
  REQUIRE(frames.size() == 4);
  for (uint32_t i = 0; i < 4; ++i) CHECK(number_of(frames[i]) == i);
  CHECK(bench.pool.in_use() == 0);
}

TEST_CASE("a frame without room for its new tag is dropped, never sent without it", "[slice_runtime]") {
  Bench bench({.name = "a", .places = {{.port = 0}, {.port = 1, .vlans = {200}}}});
  const Packet packet = packet_of(bench.pool, numbered(1));
  rte_pktmbuf_prepend(packet.mbuf(), static_cast<uint16_t>(rte_pktmbuf_headroom(packet.mbuf()) - 3));
  SliceInput& input = *bench.slice->attachments()[0].input;
  input.received.add(1, packet.length());
  REQUIRE(input.queue.push({&packet, 1}) == 1);
  bench.visit();
  CHECK(dropped(*bench.slice, DropReason::no_buffer) == 1);
  CHECK(bench.output(1).empty());
  CHECK(bench.last.sent_to == 0);
  CHECK(account_of(*bench.slice).balanced());
  CHECK(bench.pool.in_use() == 0);
}

TEST_CASE("copies of flooding are counted, made or not", "[slice_runtime]") {
  SliceSpec lan{.name = "lan",
                .places = {{.port = 0}, {.port = 1}, {.port = 2}},
                .model = SliceSpec::Model::learning_switch};
  Bench bench(lan, 3);
  bench.queue(0, udp(kAlice, kEveryone));
  bench.queue(0, udp(kAlice, kEveryone));
  bench.visit();  // two copies are wanted, one buffer is left
  const Account account = account_of(*bench.slice);
  CHECK(account.received == 2);
  CHECK(account.copied == 2);
  CHECK(account.dropped == 1);
  CHECK(dropped(*bench.slice, DropReason::no_buffer) == 1);
  CHECK(account.queued == 3);
  CHECK(account.balanced());
  CHECK(bench.slice->model().learned_addresses() == 1);
  bench.slice->drop_queued();
}

TEST_CASE("what is queued when a slice ends is dropped as shutdown, on both sides", "[slice_runtime]") {
  Bench bench(wire());
  for (uint32_t i = 0; i < 5; ++i) bench.queue(0, tag(numbered(i), 100, 6));
  bench.visit();
  for (uint32_t i = 0; i < 3; ++i) bench.queue(1, tag(numbered(i), 200));
  bench.slice->drop_queued();
  CHECK(dropped(*bench.slice, DropReason::shutdown) == 8);
  const Account account = account_of(*bench.slice);
  CHECK(account.queued == 0);
  CHECK(account.balanced());
  CHECK_FALSE(bench.slice->holds_packets());
  CHECK(bench.pool.in_use() == 0);
}
