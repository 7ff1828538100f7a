// SPDX-License-Identifier: Apache-2.0
#include "shaper/worker.hpp"

#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>
#include <vector>

#include "nic/clock.hpp"
#include "tests/shaper/box.hpp"

using namespace bulkhead;
using namespace bulkhead::test;

namespace {

/// One worker, taken through its rounds by hand.
struct Bench {
  Bench(const std::string& name, std::size_t ports, const std::vector<SliceSpec>& specs,
        uint32_t ring_size = 1023)
      : box(name, ports, ring_size) {
    for (const SliceSpec& spec : specs) slices.push_back(Box::slice(spec));
    layouts = std::make_unique<Published<Layout>>(1, box.layout(slices));
    worker = std::make_unique<Worker>(
        0, Worker::Shared{.layouts = *layouts, .phase = phase, .pool = box.pool(), .idle = IdlePolicy::poll});
  }

  uint32_t round(bool receiving = true) {
    Cycles now = clock_now();
    return worker->round(layouts->acquire(0), now, receiving);
  }
  void settle() {
    while (round() > 0) {
    }
  }

  Box box;
  std::vector<BoxSlice> slices;
  std::atomic<Phase> phase{Phase::running};
  std::unique_ptr<Published<Layout>> layouts;
  std::unique_ptr<Worker> worker;
};

SliceSpec wire_of(const std::string& name, uint16_t left, uint16_t right) {
  return {.name = name, .places = {{.port = 0, .vlans = {left}}, {.port = 1, .vlans = {right}}}};
}

}  // namespace

TEST_CASE("one round takes a packet from wire to wire", "[worker]") {
  Bench bench("w-a", 2, {wire_of("a", 100, 200), wire_of("b", Vlan::kUntagged, 300)});
  bench.box.ring(0).inject(bench.box.pool(), tag(numbered(1), 100, 5));
  bench.box.ring(0).inject(bench.box.pool(), numbered(2));
  bench.box.ring(1).inject(bench.box.pool(), tag(numbered(3), 300, 1));
  CHECK(bench.round() == 3 * 3);  // received, forwarded, transmitted
  std::vector<Frame> sent = bench.box.ring(1).collect();
  std::ranges::sort(sent, {}, number_of);  // of two slices: either may go first
  CHECK(sent == std::vector<Frame>{tag(numbered(1), 200, 5), tag(numbered(2), 300)});
  CHECK(bench.box.ring(0).collect() == std::vector<Frame>{numbered(3)});
  CHECK(bench.round() == 0);
  CHECK(bench.slices[0].runtime->cycles.read() > 0);
  CHECK(bench.box.pool().in_use() == 0);
}

TEST_CASE("a round that may not receive forwards what was received before", "[worker]") {
  Bench bench("w-b", 2, {wire_of("a", 100, 100)});
  for (uint32_t i = 0; i < 80; ++i) bench.box.ring(0).inject(bench.box.pool(), tag(numbered(i), 100));
  CHECK(bench.round(true) == 3 * 64);  // a burst, in two visits of the slice
  CHECK(bench.round(false) == 0);
  CHECK(bench.round(true) == 3 * 16);
  CHECK(bench.box.ring(1).discard() == 80);
}

TEST_CASE("packets spread thinly over the same slices are received together before any is visited",
          "[worker]") {
  std::vector<SliceSpec> specs;
  for (uint16_t vlan = 1; vlan <= 64; ++vlan) specs.push_back(wire_of(std::to_string(vlan), vlan, vlan));
  Bench bench("w-t", 2, specs);
  for (uint32_t i = 0; i < 300; ++i)
    bench.box.ring(0).inject(bench.box.pool(), tag(numbered(i), static_cast<uint16_t>(1 + i % 64)));
  CHECK(bench.round() == 3 * 256);  // four of each slice
  CHECK(bench.round() == 3 * 44);
  CHECK(bench.box.ring(1).discard() == 300);
}

TEST_CASE("what another worker is visiting is left alone, and visited later", "[worker]") {
  Bench bench("w-c", 2, {wire_of("a", 100, 100)});
  const auto inject = [&] { bench.box.ring(0).inject(bench.box.pool(), tag(numbered(1), 100)); };
  REQUIRE(bench.box.port(0).receive_claim.try_take());
  inject();
  CHECK(bench.round() == 0);
  bench.box.port(0).receive_claim.release();
  REQUIRE(bench.slices[0].runtime->claim.try_take());
  CHECK(bench.round() == 1);
  CHECK(bench.round() == 0);
  bench.slices[0].runtime->claim.release();
  REQUIRE(bench.box.port(1).egress_claim.try_take());
  CHECK(bench.round() == 1);
  CHECK(bench.round() == 0);
  bench.box.port(1).egress_claim.release();
  CHECK(bench.round() == 1);
  CHECK(bench.box.ring(1).discard() == 1);
}

TEST_CASE("what a worker marked in an old layout is found in the new one once all is marked", "[worker]") {
  Box box("w-f", 2, 7);
  const BoxSlice slice = Box::slice(wire_of("a", 100, 100));
  const auto before = box.layout({slice});
  const auto after = box.layout({slice});
  Published<Layout> layouts(2, box.layout({slice}));
  std::atomic<Phase> phase{Phase::running};
  const Worker::Shared shared{
      .layouts = layouts, .phase = phase, .pool = box.pool(), .idle = IdlePolicy::poll};
  Worker late(0, shared);
  Worker early(1, shared);
  Cycles now = clock_now();
  CHECK(early.round(*after, now, true) == 0);  // has seen that there is nothing
  for (int burst = 0; burst < 4; ++burst) {
    for (uint32_t i = 0; i < 5; ++i) box.ring(0).inject(box.pool(), tag(numbered(i), 100));
    late.round(*before, now,
               true);  // the device takes 7 of 20; the others wait in its batch and in the queue
  }
  after->mark_all();
  std::size_t passed = 0;
  for (int round = 0; round < 10; ++round) {
    passed += box.ring(1).discard();
    early.round(*after, now, true);
  }
  CHECK(passed == 20);
}

TEST_CASE("every packet that came is somewhere, exactly once, whatever is sent", "[worker]") {
  const SliceSpec lan{
      .name = "lan",
      .places = {{.port = 0, .vlans = {10}}, {.port = 1, .vlans = {10}}, {.port = 2, .vlans = {10}}},
      .model = SliceSpec::Model::learning_switch,
      .capacity = 64};
  SliceSpec trunk{.name = "trunk",
                  .places = {{.port = 0, .vlans = {20, 21}}, {.port = 2, .vlans = {20}}},
                  .model = SliceSpec::Model::wire,
                  .capacity = 32};
  Bench bench("w-d", 3, {lan, trunk}, 127);
  const LeakCheck leak(bench.box.pool());
  uint32_t seed = 12345;
  const auto random = [&](uint32_t below) { return (seed = seed * 1664525 + 1013904223) / 65536 % below; };
  uint64_t injected = 0;
  uint64_t collected = 0;
  for (int round = 0; round < 2'000; ++round) {
    for (uint32_t i = random(60); i > 0; --i) {
      const MacAddress from{0x0200'0000'0000ull + random(8)};
      const MacAddress to = random(5) == 0 ? kEveryone : MacAddress{0x0200'0000'0000ull + random(8)};
      Frame frame = tag(udp(from, to, 60 + random(1600)), static_cast<uint16_t>(random(4) * 5 + 5));
      if (random(20) == 0) frame.resize(random(16));
      const Packet packet = packet_of(bench.box.pool(), frame);
      if (bench.box.ring(random(3)).inject(packet)) {
        ++injected;
      } else {
        free_packets({&packet, 1});
      }
    }
    bench.round();
    if (random(4) == 0) collected += bench.box.ring(random(3)).discard();  // the others run full
  }
  // What is still in the rings has not been received, or was transmitted: neither is lost.
  for (int round = 0; round < 500; ++round) {
    bench.round();
    for (std::size_t port = 0; port < 3; ++port) collected += bench.box.ring(port).discard();
  }
  uint64_t received = bench.box.unclaimed();
  uint64_t transmitted = 0;
  for (const BoxSlice& slice : bench.slices) {
    const Account account = account_of(*slice.runtime);
    CHECK(account.balanced());
    CHECK(account.queued == 0);
    CHECK(account.dropped > 0);
    received += account.received;
    transmitted += account.transmitted;
  }
  CHECK(received == injected);
  CHECK(transmitted == collected);
  CHECK(bench.box.unclaimed() > 0);
  CHECK(leak.lost() == 0);
}

TEST_CASE("no slice waits longer because another is flooded", "[worker]") {
  Bench bench("w-e", 2, {wire_of("loud", 100, 100), wire_of("quiet", 200, 200)});
  // Both have as many as they can hold queued at once; each round serves both.
  for (uint32_t round = 0; round < 20; ++round) {
    for (uint32_t i = 0; i < 31; ++i) bench.box.ring(0).inject(bench.box.pool(), tag(numbered(i), 100));
    bench.box.ring(0).inject(bench.box.pool(), tag(numbered(round), 200));
    bench.round();
    CHECK(account_of(*bench.slices[1].runtime).transmitted == round + 1);
    bench.box.ring(1).discard();
  }
}
