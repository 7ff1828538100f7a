// SPDX-License-Identifier: Apache-2.0
// The data path in steady state allocates nothing, in whatever thread.
#include <algorithm>
#include <array>
#include <atomic>
#include <catch2/catch.hpp>
#include <thread>
#include <vector>

#include "nic/clock.hpp"
#include "nic/worker_thread.hpp"
#include "shaper/dataplane.hpp"
#include "tests/shaper/allocation_counter.hpp"
#include "tests/shaper/box.hpp"

using namespace bulkhead;
using namespace bulkhead::test;

namespace {

constexpr uint32_t kBursts = 10'000;
constexpr uint32_t kBurst = 32;

/// Bursts of 32 into both ports, through one worker's rounds, and out of them again.
void pump(Box& box, Worker& worker, const Layout& layout, const std::vector<Frame>& frames, uint32_t bursts) {
  CpuMeter meter(clock_now());
  for (uint32_t burst = 0; burst < bursts; ++burst) {
    for (uint32_t i = 0; i < kBurst; ++i)
      box.ring(burst % 2).inject(box.pool(), frames[(burst + i) % frames.size()]);
    worker.round(layout, meter, true);
    for (std::size_t port = 0; port < 2; ++port) box.ring(port).discard();
  }
}

}  // namespace

TEST_CASE("the counter sees an allocation", "[steady_state]") {
  const uint64_t before = allocations();
  const auto some = std::make_unique<std::array<char, 100>>();
  CHECK(some != nullptr);
  CHECK(allocations() > before);
}

TEST_CASE("ten thousand bursts allocate nothing", "[steady_state]") {
  // A wire, a switch with stations that move and broadcasts, strangers, and frames in several buffers.
  Box box("steady", 2);
  const BoxSlice wire =
      Box::slice({.name = "wire", .places = {{.port = 0, .vlans = {100}}, {.port = 1, .vlans = {200}}}});
  const BoxSlice lan = Box::slice({.name = "lan",
                                   .places = {{.port = 0}, {.port = 1, .vlans = {7}}},
                                   .model = SliceSpec::Model::learning_switch});
  std::vector<Frame> frames{tag(numbered(1), 999), tag(udp(kAlice, kBob, 3000), 100), Frame(10, 0)};
  for (uint64_t station = 0; station < 50; ++station) {
    const MacAddress from{0x0200'0000'0000 + station};
    frames.push_back(tag(udp(from, kBob), station % 2 == 0 ? 100 : 200, station % 8));
    frames.push_back(
        udp(from, station % 5 == 0 ? kEveryone : MacAddress{0x0200'0000'0000 + station * 7 % 50}));
    frames.push_back(tag(udp(from, kAlice), 7));
  }
  Published<Layout> layouts(1, box.layout({wire, lan}));
  std::atomic<Phase> phase{Phase::running};
  Worker worker(0, {.layouts = layouts,
                    .phase = phase,
                    .pool = box.pool(),
                    .idle = IdlePolicy::poll,
                    .longest_visit = std::chrono::seconds{1},
                    .longest_round = std::chrono::seconds{1}});

  pump(box, worker, layouts.current(), frames, 500);  // warms up
  const uint64_t before = allocations();
  pump(box, worker, layouts.current(), frames, kBursts);
  const uint64_t after = allocations();
  CHECK(after - before == 0);
  for (const BoxSlice& slice : {wire, lan}) {
    const Account account = account_of(*slice.runtime);
    CHECK(account.balanced());
    CHECK(account.transmitted > kBursts);
  }
  CHECK(box.pool().in_use() == 0);
}

TEST_CASE("resident workers allocate nothing while they work, nor while they wait", "[steady_state]") {
  Box box("resid", 3);
  const BoxSlice lan = Box::slice({.name = "lan",
                                   .places = {{.port = 0}, {.port = 1}, {.port = 2}},
                                   .model = SliceSpec::Model::learning_switch});
  const uint32_t core = usable_cores().back();
  auto plane = Dataplane::start({.cores = {core, core},
                                 .idle = IdlePolicy::nap,
                                 .balance = false,  // by the control thread, which may allocate
                                 .on_failure = [](std::string) {}},
                                box.pool(), box.layout({lan}, {.workers = 2, .shares = {}}));
  REQUIRE(plane);
  const std::vector<Frame> frames{udp(kAlice, kBob), udp(kAlice, kEveryone)};
  // Nobody has heard Bob: every frame is flooded, and has passed when it came out of both other ports.
  const auto pass = [&](uint32_t packets) {
    std::array<uint32_t, 2> came{};
    for (uint32_t sent = 0; came[0] < packets || came[1] < packets;) {
      for (; sent < packets && sent - std::min(came[0], came[1]) < 100; ++sent)
        box.ring(0).inject(box.pool(), frames[sent % 2]);
      for (std::size_t port = 0; port < 2; ++port)
        came[port] += static_cast<uint32_t>(box.ring(port + 1).discard());
      std::this_thread::yield();
    }
  };
  pass(20'000);  // warms up
  const uint64_t before = allocations();
  pass(100'000);
  std::this_thread::yield();
  const uint64_t after = allocations();
  CHECK(after - before == 0);
  (*plane)->stop(std::chrono::seconds{10});
  CHECK(account_of(*lan.runtime).balanced());
  CHECK(account_of(*lan.runtime).dropped == 0);
}
