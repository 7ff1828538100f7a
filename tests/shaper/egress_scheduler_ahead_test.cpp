// SPDX-License-Identifier: Apache-2.0
// What the scheduler does ahead of time, and for a port that nobody contends for.
#include <algorithm>
#include <catch2/catch.hpp>
#include <random>

#include "shaper/egress_scheduler.hpp"

using namespace bulkhead;

namespace {

constexpr uint64_t kHz = 1'000'000'000;  // a cycle is a nanosecond
constexpr Cycles kAhead{10'000};
constexpr Bytes kFrame{1542};

EgressScheduler scheduler_at(BitsPerSecond speed, uint16_t slices) {
  EgressScheduler scheduler({.speed = speed,
                             .hz = kHz,
                             .largest_frame = kFrame,
                             .catch_up = Bytes{0},
                             .slices = slices,
                             .ahead = kAhead});
  for (uint16_t i = 0; i < slices; ++i) scheduler.configure(SliceId{i}, {});
  return scheduler;
}

/// Full frames that may be sent at this moment.
uint64_t send_all(EgressScheduler& scheduler, Cycles now) {
  uint64_t frames = 0;
  while (scheduler.next(now)) {
    (void)scheduler.charge(kFrame, true);
    ++frames;
  }
  return frames;
}

}  // namespace

TEST_CASE("what is due within the time ahead is granted at once, and no more", "[egress_scheduler]") {
  EgressScheduler scheduler = scheduler_at(10_Gbps, 2);  // a frame takes 1233.6 ns
  scheduler.activate(SliceId{0}, 1, Cycles{0});
  scheduler.activate(SliceId{1}, 1, Cycles{0});
  uint64_t frames = send_all(scheduler, Cycles{0});
  CHECK(frames == 9);
  REQUIRE(scheduler.next_event());
  CHECK(*scheduler.next_event() == Cycles{1103});  // the tenth: 9 * 1233.6 - 10,000, rounded up
  for (uint64_t now = 1'000; now <= 1'000'000; now += 1'000) frames += send_all(scheduler, Cycles{now});
  CHECK(frames * 12'336 <= 10'100'000 + 12'336);  // tenths of a nanosecond
  CHECK(frames * 12'336 >= 10'090'000);
}

TEST_CASE("a port that nobody contends for is passed, as far as the time ahead", "[egress_scheduler]") {
  EgressScheduler scheduler = scheduler_at(10_Gbps, 2);
  CHECK(scheduler.pass(SliceId{0}, Bytes{6'249}, Cycles{100}));  // 5 us
  CHECK(scheduler.pass(SliceId{1}, Bytes{6'249}, Cycles{100}));
  CHECK_FALSE(scheduler.pass(SliceId{0}, Bytes{100}, Cycles{100}));
  CHECK(scheduler.pass(SliceId{0}, Bytes{1'250}, Cycles{1'100}));
  // What passed is on the port: who comes now waits for it.
  scheduler.activate(SliceId{1}, 1, Cycles{1'100});
  CHECK_FALSE(scheduler.pass(SliceId{0}, Bytes{1}, Cycles{1'150}));
  CHECK(send_all(scheduler, Cycles{1'200}) == 1);
}

TEST_CASE("who is at its ceiling does not pass, nor does anybody behind", "[egress_scheduler]") {
  EgressScheduler scheduler = scheduler_at(10_Gbps, 2);
  scheduler.configure(SliceId{0},
                      {.rates = {.guarantee = {}, .ceiling = 1_Mbps, .weight = 100, .burst = kFrame * 3},
                       .class_count = kMaxClasses,
                       .classes = {}});
  CHECK(scheduler.pass(SliceId{0}, kFrame * 2, Cycles{0}));
  CHECK_FALSE(scheduler.pass(SliceId{0}, kFrame * 2, Cycles{50'000}));
  scheduler.activate(SliceId{0}, 1, Cycles{50'000});
  CHECK(send_all(scheduler, Cycles{50'000}) == 1);  // the last of the burst; then it is parked
  CHECK_FALSE(scheduler.pass(SliceId{1}, kFrame, Cycles{90'000}));
  scheduler.activate(SliceId{1}, 1, Cycles{90'000});
  CHECK(send_all(scheduler, Cycles{90'000}) > 1);
}

TEST_CASE("passing and being granted together never exceed a ceiling", "[egress_scheduler]") {
  constexpr uint64_t kBurst = 4 * 1542;
  std::mt19937 random{17};
  for (int round = 0; round < 200; ++round) {
    EgressScheduler scheduler = scheduler_at(10_Gbps, 1);
    const uint64_t rate = 1'000'000 + random() % 5'000'000'000;
    scheduler.configure(
        SliceId{0},
        {.rates = {.guarantee = {}, .ceiling = BitsPerSecond{rate}, .weight = 100, .burst = Bytes{kBurst}},
         .class_count = kMaxClasses,
         .classes = {}});
    uint64_t now = 0;
    uint64_t sent = 0;
    double least = 0;  // of sent - rate * time: no window may have gained more than the burst over it
    const auto account = [&](uint64_t bytes) {
      least = std::min(
          least, static_cast<double>(sent) - static_cast<double>(rate) / 8e9 * static_cast<double>(now));
      sent += bytes;
      const double above =
          static_cast<double>(sent) - static_cast<double>(rate) / 8e9 * static_cast<double>(now);
      if (above - least > static_cast<double>(kBurst) + 1e-3) FAIL("round " << round << " at " << now);
    };
    bool backlogged = false;
    for (int step = 0; step < 2'000; ++step) {
      now += random() % 3'000;
      const uint64_t bytes = 84 + random() % 1'459;
      if (!backlogged && scheduler.pass(SliceId{0}, Bytes{bytes}, Cycles{now})) {
        account(bytes);
        continue;
      }
      scheduler.activate(SliceId{0}, 1, Cycles{now});
      backlogged = true;
      if (scheduler.next(Cycles{now})) {
        backlogged = random() % 2 == 0;
        (void)scheduler.charge(Bytes{bytes}, backlogged);
        account(bytes);
      }
    }
    CHECK(sent > 0);
  }
}

TEST_CASE("who gets the number of one that was removed owes nothing for it", "[egress_scheduler]") {
  EgressScheduler scheduler = scheduler_at(10_Gbps, 1);
  const SliceRates slow{.rates = {.guarantee = {}, .ceiling = 1_Mbps, .weight = 100, .burst = kFrame * 8},
                        .class_count = kMaxClasses,
                        .classes = {}};
  scheduler.configure(SliceId{0}, slow);
  scheduler.activate(SliceId{0}, 1, Cycles{0});
  CHECK(send_all(scheduler, Cycles{0}) == 8);  // its burst
  const bool while_it_has_packets = GENERATE(true, false);
  if (!while_it_has_packets) {
    const Grant* grant = scheduler.next(Cycles{20'000'000});
    REQUIRE(grant);
    CHECK_FALSE(scheduler.charge(kFrame, false));
  }
  scheduler.remove(SliceId{0});
  scheduler.configure(SliceId{0}, slow);
  scheduler.activate(SliceId{0}, 1, Cycles{21'000'000});
  CHECK(send_all(scheduler, Cycles{21'000'000}) == 8);
}
