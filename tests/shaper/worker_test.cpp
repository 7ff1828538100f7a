// SPDX-License-Identifier: Apache-2.0
#include "shaper/worker.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <catch2/catch.hpp>
#include <utility>
#include <vector>

#include "nic/clock.hpp"
#include "tests/shaper/worker_bench.hpp"

using namespace bulkhead;
using namespace bulkhead::test;

TEST_CASE("one round takes a packet from wire to wire", "[worker]") {
  WorkerBench bench("w-a", 2, {wire_of("a", 100, 200), wire_of("b", Vlan::kUntagged, 300)});
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
  WorkerBench bench("w-b", 2, {wire_of("a", 100, 100)});
  for (uint32_t i = 0; i < 80; ++i) bench.box.ring(0).inject(bench.box.pool(), tag(numbered(i), 100));
  CHECK(bench.round(true) == 3 * 64);  // a burst, in two visits of the slice
  CHECK(bench.round(false) == 0);
  CHECK(bench.round(true) == 3 * 16);
  CHECK(bench.box.ring(1).discard() == 80);
}

TEST_CASE("what another worker is visiting is left alone, and visited later", "[worker]") {
  WorkerBench bench("w-c", 2, {wire_of("a", 100, 100)});
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

TEST_CASE("a worker makes what changes are wanted at a port before it sends there", "[worker]") {
  WorkerBench bench("w-k", 2, {wire_of("a", 100, 100)});
  EgressChanges& changes = bench.box.port(1).changes;
  changes.post({{.kind = EgressChanges::Change::Kind::speed, .speed = 7_Gbps}});
  REQUIRE(bench.box.port(1).egress_claim.try_take());
  bench.round();
  CHECK_FALSE(changes.are_made());  // another worker has the port
  bench.box.port(1).egress_claim.release();
  bench.round();
  CHECK(changes.are_made());
  CHECK(bench.box.port(1).egress.speed() == 7_Gbps);
}

TEST_CASE("what a worker marked in an old layout is found in the new one once all is marked", "[worker]") {
  Box box("w-f", 2, 7);
  const BoxSlice slice = Box::slice(wire_of("a", 100, 100));
  const CpuPlan two{.workers = 2, .shares = {}};
  const auto before = box.layout({slice}, two);
  const auto after = box.layout({slice}, two);
  Published<Layout> layouts(2, box.layout({slice}, two));
  std::atomic<Phase> phase{Phase::running};
  const Worker::Shared shared{
      .layouts = layouts, .phase = phase, .pool = box.pool(), .idle = IdlePolicy::poll};
  Worker late(0, shared);
  Worker early(1, shared);
  CpuMeter meter(clock_now());
  CHECK(early.round(*after, meter, true) == 0);  // has seen that there is nothing
  for (int burst = 0; burst < 4; ++burst) {
    for (uint32_t i = 0; i < 5; ++i) box.ring(0).inject(box.pool(), tag(numbered(i), 100));
    late.round(*before, meter,
               true);  // the device takes 7 of 20; the others wait in its batch and in the queue
  }
  after->mark_all();
  std::size_t passed = 0;
  // A slow worker takes few packets a visit.
  for (int round = 0; round < 100; ++round) {
    passed += box.ring(1).discard();
    early.round(*after, meter, true);
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
  WorkerBench bench("w-d", 3, {lan, trunk}, 127);
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
      if (bench.box.ring(random(3)).offer(bench.box.pool(), frame)) ++injected;
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
  WorkerBench bench("w-e", 2, {wire_of("loud", 100, 100), wire_of("quiet", 200, 200)});
  // Both have as many as they can hold queued at once; each round serves both.
  for (uint32_t round = 0; round < 20; ++round) {
    for (uint32_t i = 0; i < 31; ++i) bench.box.ring(0).inject(bench.box.pool(), tag(numbered(i), 100));
    bench.box.ring(0).inject(bench.box.pool(), tag(numbered(round), 200));
    bench.round();
    CHECK(account_of(*bench.slices[1].runtime).transmitted == round + 1);
    bench.box.ring(1).discard();
  }
}

TEST_CASE("slices that have too much to do share the worker by time, whatever a packet costs them",
          "[worker]") {
  WorkerBench bench("w-g", 2,
                    {costly(100, Cycles{2'000}), costly(101, Cycles{16'000}), costly(102, Cycles{})}, 1023,
                    {}, kVisit, kRound);
  std::array<uint64_t, 2> before{};
  std::array<uint64_t, 2> used{};
  uint64_t longest = 0;
  uint32_t quiet = 0;
  CpuMeter meter(clock_now());
  meter.watch_for_theft();  // or who is preempted in its visit pays for it
  for (int round = 0; round < 2'000; ++round) {
    flood(bench, 2);
    offer(bench, tag(numbered(7), 102));
    ++quiet;
    (void)meter.lap();  // that was no slice's doing
    bench.round(meter);
    bench.box.ring(1).discard();
    for (std::size_t i = 0; i < 2; ++i) {
      const uint64_t charges = bench.slices[i].runtime->charges();
      if (round >= 100) used[i] += charges - before[i];
      longest = std::max(longest, charges - before[i]);
      before[i] = charges;
    }
  }
  // What the machine does meanwhile prolongs a visit, and is paid back, but for the last ones.
  const uint64_t apart = std::max(used[0], used[1]) - std::min(used[0], used[1]);
  CHECK(apart <= used[1] / 20 + 2 * longest);
  CHECK(dropped(*bench.slices[0].runtime, DropReason::cpu_budget) > 0);
  CHECK(dropped(*bench.slices[1].runtime, DropReason::cpu_budget) > 0);
  // The third has a packet a round and is never behind, but for what the device lost before it was received.
  bench.settle();
  bench.box.ring(1).discard();
  const Account account = account_of(*bench.slices[2].runtime);
  CHECK(account.dropped == 0);
  CHECK(account.transmitted == account.received);
  CHECK(account.received <= quiet);
}

TEST_CASE("a slice stays below its cap on a worker that has nothing else to do", "[worker]") {
  WorkerBench bench("w-h", 2, {costly(100, kCostly)}, 1023,
                    {.workers = 1, .shares = {{.reserve = 0, .weight = 256, .cap = 1'000}}}, kVisit, kRound);
  const SliceRuntime& slice = *bench.slices[0].runtime;
  const Cycles start = clock_now();
  const Cycles end = start + Cycles{clock_hz() / 20};
  CpuMeter meter(start);
  meter.watch_for_theft();
  uint64_t charged = 0;
  uint64_t longest = 0;  // a worker that is preempted in a visit overruns by as much; the debt is carried
  // It is known to have been throttled once it may run again, which after an overrun may take a while.
  while (clock_now() < end || (slice.throttled.read() == 0 && clock_now() < start + Cycles{2 * clock_hz()})) {
    flood(bench, 1);
    (void)meter.lap();  // that was not the slice's doing
    bench.round(meter);
    bench.box.ring(1).discard();
    const uint64_t now = slice.charges();
    longest = std::max(longest, now - std::exchange(charged, now));
  }
  const uint64_t allowed = (clock_now() - start).count() / 10 + clock_hz() / 10'000 + longest;
  CHECK(slice.charges() <= allowed);
  CHECK(slice.throttled.read() > 0);
  CHECK(dropped(slice, DropReason::cpu_budget) > 0);
}

TEST_CASE("a worker with nothing to do helps another, but not a slice at its cap", "[worker]") {
  WorkerBench bench("w-i", 2, {costly(100, Cycles{}), costly(101, Cycles{})}, 1023,
                    {.workers = 2, .shares = {{}, {.reserve = 0, .weight = 256, .cap = 9'000}}});
  bench.slices[1].runtime->home = 0;
  bench.layouts->current().move(1, 0);
  bench.settle();
  for (const uint16_t vlan : {uint16_t{100}, uint16_t{101}})
    bench.box.ring(0).inject(bench.box.pool(), tag(numbered(1), vlan));
  REQUIRE(bench.box.port(0).receive_claim.try_take());  // worker 1 shall find nothing to receive
  CHECK(bench.round(true, 1) == 0);
  bench.box.port(0).receive_claim.release();
  REQUIRE(bench.slices[0].runtime->claim.try_take());
  REQUIRE(bench.slices[1].runtime->claim.try_take());
  CHECK(bench.round(true, 0) == 2);  // received, and cannot visit
  bench.slices[0].runtime->claim.release();
  bench.slices[1].runtime->claim.release();
  CHECK(bench.round(true, 1) == 2);  // one packet, forwarded and transmitted
  CHECK(bench.slices[0].runtime->cycles_elsewhere.read() > 0);
  CHECK(bench.slices[1].runtime->cycles_elsewhere.read() == 0);
  CHECK(bench.round(true, 0) == 2);
  CHECK(bench.slices[1].runtime->cycles.read() > 0);
  CHECK(bench.box.ring(1).discard() == 2);
}

TEST_CASE("a slice that moves takes its packets along, in order, also from among those that wait",
          "[worker]") {
  WorkerBench bench("w-j", 2, {costly(100, kCostly), costly(101, kCostly)}, 1023,
                    {.workers = 2, .shares = {}}, kVisit, kRound);
  bench.layouts->current().move(1, 0);
  std::vector<uint32_t> numbers;
  uint32_t next = 0;
  const auto collect = [&] {
    for (const Frame& frame : bench.box.ring(1).collect())
      if (frame[15] == 100) numbers.push_back(number_of(frame));
  };
  for (int round = 0; round < 400; ++round) {
    for (int i = 0; i < 8; ++i)
      for (const uint16_t vlan : {uint16_t{100}, uint16_t{101}}) offer(bench, tag(numbered(next++), vlan));
    bench.round(true, round % 3 == 0 ? 1 : 0);
    if (round % 7 == 0) bench.layouts->current().move(0, static_cast<std::size_t>(round / 7 % 2));
    collect();
  }
  for (int round = 0; round < 4'000 && bench.round(true, 0) + bench.round(true, 1) > 0; ++round) collect();
  collect();
  CHECK(std::ranges::is_sorted(numbers));
  const Account account = account_of(*bench.slices[0].runtime);
  CHECK(account.balanced());
  CHECK(account.queued == 0);
  CHECK(numbers.size() == account.transmitted);
  CHECK(account.transmitted > 100);
}

TEST_CASE("many slices with a little each need no turns, however long a visit is drawn out", "[worker]") {
  std::vector<SliceSpec> specs;
  for (uint16_t vlan = 1; vlan <= 100; ++vlan) specs.push_back(wire_of(std::to_string(vlan), vlan, vlan));
  // Each visit takes too long, so that the slice's next takes one packet; the round has time for all.
  WorkerBench bench("w-l", 2, specs, 2047, {}, std::chrono::microseconds{0}, std::chrono::seconds{1});
  const auto receive_two_each = [&] {
    for (uint32_t i = 0; i < 200; ++i)
      bench.box.ring(0).inject(bench.box.pool(), tag(numbered(i), static_cast<uint16_t>(1 + i % 100)));
    bench.round();
    return bench.box.ring(1).discard();
  };
  receive_two_each();
  bench.settle();
  CHECK(bench.box.ring(1).discard() > 0);
  // Turns would go on until the slices have nothing left. Without, a round is 64 visits.
  for (int round = 0; round < 4; ++round) CHECK(receive_two_each() == 64);
  bench.settle();
  CHECK(bench.box.ring(1).discard() == 800 - 4 * 64);
}
