// SPDX-License-Identifier: Apache-2.0
// What slices hold, under random load, with packet memory that holds their quotas and no more.
#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>
#include <random>
#include <vector>

#include "nic/clock.hpp"
#include "shaper/worker.hpp"
#include "tests/shaper/allocation_counter.hpp"
#include "tests/shaper/box.hpp"

using namespace bulkhead;
using namespace bulkhead::test;

namespace {

constexpr std::size_t kPorts = 4;
constexpr uint32_t kRing = 15;
constexpr uint32_t kLong = SliceInput::kMostBuffers;
constexpr uint16_t kVictimVlan = 100;
constexpr uint16_t kFloodVlan = 200;
constexpr uint16_t kStuckVlan = 300;

SliceSpec spec(const std::string& name, uint16_t vlan, const std::vector<uint16_t>& ports, uint32_t capacity,
               SliceSpec::Model model = SliceSpec::Model::wire) {
  SliceSpec out{.name = name, .places = {}, .model = model, .capacity = capacity};
  for (const uint16_t port : ports) out.places.push_back({.port = port, .vlans = {vlan}});
  out.limits.max_frame = 9'022;
  return out;
}

/// The victim's ports are always emptied; the others are the aggressors' alone.
std::vector<SliceSpec> specs() {
  return {spec("victim", kVictimVlan, {0, 1}, 32),
          spec("flooder", kFloodVlan, {0, 1, 2, 3}, 32, SliceSpec::Model::learning_switch),
          spec("stuck", kStuckVlan, {2, 3}, 16)};
}

MacAddress station(uint64_t number) { return MacAddress{uint64_t{0x0200'0000'0000} + number}; }

uint64_t quota_of(const SliceSpec& spec) {
  return spec.places.size() * (SliceInput::buffers_of(spec.capacity) + spec.capacity);
}

/// Quotas, what devices hold in both directions, and the burst in the worker's hands. What the thread's cache
/// keeps, this thread can use.
uint32_t memory() {
  uint64_t sum = kPorts * 2 * kRing * kLong + std::size_t{Burst::kCapacity} * kLong;
  for (const SliceSpec& slice : specs()) sum += quota_of(slice);
  return static_cast<uint32_t>(sum);
}

struct Bench {
  explicit Bench(uint32_t seed) : random(seed), box("mq" + std::to_string(seed), kPorts, kRing, memory()) {
    for (const SliceSpec& slice : specs()) slices.push_back(Box::slice(slice));
    layouts = std::make_unique<Published<Layout>>(1, box.layout(slices));
    worker = std::make_unique<Worker>(
        0, Worker::Shared{.layouts = *layouts, .phase = phase, .pool = box.pool(), .idle = IdlePolicy::poll});
  }

  uint32_t any(uint32_t below) { return static_cast<uint32_t>(random() % below); }

  /// False where memory or the device's ring is full.
  bool offer(std::size_t port, const Frame& frame) {
    const Packet packet = box.pool().allocate(frame);
    if (packet.mbuf() == nullptr) return false;
    if (box.ring(port).inject(packet)) return true;
    free_packets({&packet, 1});
    return false;
  }
  void attack() {
    constexpr std::array<std::size_t, 6> kSizes{60, 60, 1'500, 5'000, 9'000, 12'000};
    for (uint32_t frames = any(100); frames > 0; --frames) {
      const bool flood = any(2) == 0;
      const std::size_t port = flood ? any(kPorts) : 2 + any(2);
      const MacAddress from = station(any(100'000));
      const MacAddress to = any(4) == 0 ? station(any(100'000)) : kEveryone;
      offered += offer(port, tag(udp(from, to, kSizes[any(kSizes.size())]), flood ? kFloodVlan : kStuckVlan,
                                 static_cast<uint8_t>(any(8))))
                     ? 1
                     : 0;
    }
  }
  void round() {
    CpuMeter meter(clock_now());
    worker->round(layouts->acquire(0), meter, true);
  }
  /// At times another worker is visiting the aggressors, for some rounds: what comes waits in their inputs.
  void let_visit(bool change) {
    if (!change) return;
    for (const BoxSlice& slice : std::span(slices).subspan(1)) {
      if (visiting) slice.runtime->claim.take();
      if (!visiting) slice.runtime->claim.release();
    }
    visiting = !visiting;
  }
  /// Frees all that the slices and the devices hold.
  void clear() {
    for (const Layout::PortPlace& place : layouts->current().ports())
      for (SliceOutput* output : place.outputs)
        if (output != nullptr) place.runtime->egress.detach(*output, DropReason::shutdown);
    for (const BoxSlice& slice : slices) slice.runtime->drop_queued();
    for (std::size_t port = 0; port < kPorts; ++port) box.ring(port).discard();
  }
  uint64_t drops(std::size_t slice, DropReason reason) const {
    return dropped(*slices[slice].runtime, reason);
  }

  std::mt19937 random;
  Box box;
  std::vector<BoxSlice> slices;
  std::atomic<Phase> phase{Phase::running};
  std::unique_ptr<Published<Layout>> layouts;
  std::unique_ptr<Worker> worker;
  bool visiting = true;
  uint64_t offered = 0;
};

/// After a round: no slice above its quota, and all of them together hold what is not in a device.
void check_quotas(Bench& bench) {
  uint64_t quotas = 0;
  for (const BoxSlice& slice : bench.slices) {
    const uint64_t quota = quota_of(slice.spec);
    quotas += quota;
    if (slice.runtime->held_buffers() > quota) FAIL(slice.spec.name << " holds too much");
    if (!account_of(*slice.runtime).balanced()) FAIL(slice.spec.name << " has lost count");
  }
  if (bench.box.pool().in_use() > quotas + kPorts * kRing * kLong) FAIL("more is held than the quotas allow");
}

}  // namespace

TEST_CASE("no slice holds more than its quota, and none takes a buffer from another", "[memory_quota]") {
  for (uint32_t seed = 1; seed <= 4; ++seed) {
    INFO("seed " << seed);
    Bench bench(seed);
    const SliceRuntime& victim = *bench.slices[0].runtime;
    uint64_t sent = 0;
    for (uint32_t round = 0; round < 600; ++round) {
      // The victim first, or the ring of its device would be the aggressors' to fill.
      for (uint32_t i = 0; i < 6; ++i, sent += 2)
        for (std::size_t port = 0; port < 2; ++port)
          REQUIRE(bench.offer(port, tag(numbered(i), kVictimVlan)));
      bench.attack();
      // As often as the victim needs to send what it has: its quota bounds what waits at once. A worker that
      // is slow takes fewer packets in a round.
      for (uint32_t turns = 0; turns == 0 || victim.holds_packets(); ++turns) {
        REQUIRE(turns < 10'000);
        bench.round();
        check_quotas(bench);
        for (std::size_t port = 0; port < 2; ++port) bench.box.ring(port).discard();
      }
      bench.let_visit(bench.any(8) == 0);
      for (std::size_t port = 2; port < kPorts; ++port)
        if (round > 300 && bench.any(8) == 0) bench.box.ring(port).discard();
    }
    CHECK(account_of(victim).transmitted == sent);
    CHECK(account_of(victim).dropped == 0);
    CHECK(bench.drops(1, DropReason::memory_quota) > 0);
    CHECK(bench.drops(2, DropReason::memory_quota) > 0);
    for (std::size_t slice = 0; slice < bench.slices.size(); ++slice)
      CHECK(bench.drops(slice, DropReason::no_buffer) == 0);
    CHECK(bench.offered > 10'000);
    bench.let_visit(!bench.visiting);
    bench.clear();
    for (const BoxSlice& slice : bench.slices) {
      CHECK(account_of(*slice.runtime).balanced());
      CHECK(slice.runtime->held_buffers() == 0);
    }
    CHECK(bench.box.pool().in_use() == 0);
  }
}

TEST_CASE("a flood takes no buffers that its slice may not keep", "[memory_quota]") {
  constexpr uint32_t kFrames = 32;
  SliceSpec lan = spec("lan", kFloodVlan, {0, 1, 2, 3}, 4, SliceSpec::Model::learning_switch);
  // Three ports full, and the burst in hand.
  PacketPool pool = make_pool(3 * 4 + 4);
  const auto slice = Box::unconnected(lan);
  SliceInput& input = *slice->attachments()[0].input;
  ForwardingOutputs scratch(kMaxPorts, pool);
  ClaimedPorts none({}, Cycles{1});
  for (uint32_t visits = 0; visits < kFrames / 4; ++visits) {
    for (uint32_t i = 0; i < 4; ++i) {
      const Packet packet = packet_of(pool, tag(udp(kAlice, kEveryone), kFloodVlan));
      input.received.add(1, packet.length());
      REQUIRE(input.queue.push({&packet, 1}) == 1);
    }
    CHECK(slice->visit(Cycles{1}, scratch, none).packets == 4);
    CHECK(pool.in_use() == 3 * lan.capacity);
  }
  CHECK(dropped(*slice, DropReason::no_buffer) == 0);
  CHECK(dropped(*slice, DropReason::memory_quota) == uint64_t{3} * (kFrames - lan.capacity));
  CHECK(account_of(*slice).balanced());
  slice->drop_queued();
  CHECK(pool.in_use() == 0);
}

TEST_CASE("a frame of several buffers counts as that many on its way out", "[memory_quota]") {
  PacketPool pool = make_pool(255);
  const auto slice = Box::unconnected(spec("wire", kFloodVlan, {0, 1}, 16));
  SliceInput& input = *slice->attachments()[0].input;
  ForwardingOutputs scratch(kMaxPorts, pool);
  ClaimedPorts none({}, Cycles{1});
  for (uint32_t i = 0; i < 5; ++i) {
    const Packet packet = packet_of(pool, tag(udp(kAlice, kBob, 9'000), kFloodVlan));
    REQUIRE(packet.state().buffers == kLong);
    input.received.add(1, packet.length());
    REQUIRE(input.queue.push({&packet, 1}) == 1);
  }
  CHECK(slice->visit(Cycles{1}, scratch, none).packets == 5);
  CHECK(slice->held_buffers() == 15);
  CHECK(pool.in_use() == 15);
  CHECK(dropped(*slice, DropReason::memory_quota) == 2);
  CHECK(account_of(*slice).balanced());
  slice->drop_queued();
  CHECK(slice->held_buffers() == 0);
}

TEST_CASE("new addresses do not make a table larger", "[memory_quota]") {
  PacketPool pool = make_pool(255);
  const auto slice = Box::unconnected(spec("lan", kFloodVlan, {0, 1}, 16, SliceSpec::Model::learning_switch));
  SliceInput& input = *slice->attachments()[0].input;
  ForwardingOutputs scratch(kMaxPorts, pool);
  ClaimedPorts none({}, Cycles{1});
  uint64_t allocated = 0;
  const auto visit = [&](uint64_t number) {
    const Packet packet = packet_of(pool, tag(udp(station(number), kEveryone), kFloodVlan));
    input.received.add(1, packet.length());
    if (input.queue.push({&packet, 1}) != 1) FAIL("no room");
    const uint64_t before = allocations();
    (void)slice->visit(Cycles{1}, scratch, none);
    allocated += allocations() - before;
  };
  visit(0);  // warms up
  allocated = 0;
  for (uint64_t number = 1; number < 20'000; ++number) visit(number);
  CHECK(allocated == 0);
  CHECK(slice->model().learned_addresses() <= 1'024);
  CHECK(slice->model().unlearned_addresses() >= 20'000 - 1'024);
  slice->drop_queued();
}
