// SPDX-License-Identifier: Apache-2.0
#include "shaper/egress_scheduler.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>

#include "tests/shaper/allocation_counter.hpp"
#include "tests/shaper/scheduler_setup.hpp"

using namespace bulkhead;
using namespace bulkhead::test;

TEST_CASE("a ceiling is met to a thousandth, from 1 kb/s to 400 Gb/s", "[egress_scheduler]") {
  const uint64_t hz = GENERATE(1'000'000'000ull, 2'595'123'457ull, 5'000'000'000ull);
  const BitsPerSecond rate = GENERATE(1_kbps, 10_kbps, 100_kbps, 1_Mbps, 10_Mbps, 100_Mbps, 1_Gbps, 10_Gbps,
                                      69_Gbps, 100_Gbps, 399_Gbps);
  INFO(rate.count() << " b/s at " << hz << " Hz");
  // One second, or as long as 100,000 frames take where it has more; 2000 where it has fewer: a frame is all
  // there is to count.
  const auto lasts = [&](uint64_t frames) { return frames * kFrame * 8 * hz / rate.count(); };
  const uint64_t duration = std::max(std::min(hz, lasts(100'000)), lasts(2'000));
  ScheduledPort port = port_at(400_Gbps, {slice(kNone, rate)}, hz);
  port.arrive(1, 0, 0, kFrame, kPlenty);
  uint64_t now = 1;
  port.run(now, hz / 100);  // uses the burst up, if that takes part of a second
  while (port.sent(0) < 8 * kFrame) port.run(now, now + hz / 100);
  const uint64_t from = now;
  const uint64_t before = port.sent(0);
  port.run(now, from + duration);
  const double got = bits_a_second(port.sent(0) - before, now - from, hz);
  CHECK(got == Approx(static_cast<double>(rate.count())).epsilon(0.001));
  CHECK(port.window(0).burst() <= 8 * kFrame);
}

TEST_CASE("a port keeps its speed exactly", "[egress_scheduler]") {
  const BitsPerSecond speed = GENERATE(1_Mbps, 1_Gbps, 10_Gbps, 69_Gbps, 400_Gbps);
  ScheduledPort port = port_at(speed, {slice(kNone, kNone)});
  port.arrive(0, 0, 0, kFrame, kPlenty);
  uint64_t now = 0;
  port.run(now, kHz);
  // The last frame has begun, and may not have ended.
  const auto exact = static_cast<double>(speed.count()) / 8;
  CHECK(static_cast<double>(port.sent()) >= exact * (1 - 1e-6));
  CHECK(static_cast<double>(port.sent()) <= exact + kFrame);
  CHECK(port.port_window().burst() <= kFrame + 64);  // 64: a cycle at the fastest
}

TEST_CASE("a guarantee is kept at every rate, whoever else sends", "[egress_scheduler]") {
  const BitsPerSecond guarantee = GENERATE(100_kbps, 1_Mbps, 10_Mbps, 100_Mbps, 1_Gbps, 9_Gbps);
  ScheduledPort port = port_at(10_Gbps, {slice(guarantee, kNone, 1), slice(kNone, kNone, 10'000)});
  flood(port, 2);
  uint64_t now = 0;
  port.run(now, 4 * kHz);
  const double expected =
      static_cast<double>(guarantee.count()) + (10e9 - static_cast<double>(guarantee.count())) / 10'001;
  // To the frame: over these seconds 0.3 % at the slowest, and 0.00003 % at the fastest.
  const double bytes = expected / 8 * static_cast<double>(now) / kHz;
  CHECK(std::abs(static_cast<double>(port.sent(0)) - bytes) <= 2 * kFrame);
}

TEST_CASE("rates add: the guarantee, and a share of what the guarantees leave over", "[egress_scheduler]") {
  ScheduledPort port = port_at(10_Gbps, {slice(4_Gbps, kNone, 1), slice(1_Gbps, kNone, 1),
                                         slice(kNone, kNone, 3), slice(5_Gbps, kNone, 1)});
  flood(port, 3);  // nobody sends at the last one's guarantee: it is not in use
  uint64_t now = 0;
  port.run(now, kHz / 10);
  CHECK(bits_a_second(port.sent(0), now) == Approx(4e9 + 1e9).epsilon(0.001));
  CHECK(bits_a_second(port.sent(1), now) == Approx(1e9 + 1e9).epsilon(0.001));
  CHECK(bits_a_second(port.sent(2), now) == Approx(3e9).epsilon(0.001));
}

TEST_CASE("guarantees that add up to the port's speed are all kept", "[egress_scheduler]") {
  ScheduledPort port = port_at(10_Gbps, {slice(5_Gbps, kNone), slice(3_Gbps, kNone), slice(2_Gbps, kNone)});
  flood(port, 3);
  uint64_t now = 0;
  port.run(now, kHz / 10);
  CHECK(bits_a_second(port.sent(0), now) == Approx(5e9).epsilon(0.001));
  CHECK(bits_a_second(port.sent(1), now) == Approx(3e9).epsilon(0.001));
  CHECK(bits_a_second(port.sent(2), now) == Approx(2e9).epsilon(0.001));
}

TEST_CASE("a slice without guarantee is not starved by those who have one", "[egress_scheduler]") {
  // All guarantees become due at the same moment, again and again.
  std::vector<SliceRates> slices(1001, slice(9_Mbps, kNone, 1));
  slices[0] = slice(kNone, kNone, 10'000);
  ScheduledPort port = port_at(10_Gbps, slices);
  flood(port, slices.size());
  uint64_t now = 0;
  for (int i = 1; i <= 100; ++i) {
    port.run(now, static_cast<uint64_t>(i) * kHz / 10'000);
    const double share = 1e9 * 10'000 / 11'000 / 8 * static_cast<double>(now) / kHz;
    CHECK(static_cast<double>(port.sent(0)) >= share - 3 * kFrame);
  }
}

TEST_CASE("weights of 1 and 10000 share one port", "[egress_scheduler]") {
  ScheduledPort port =
      port_at(10_Gbps, {slice(kNone, kNone, 1), slice(kNone, kNone, 10'000), slice(kNone, kNone, 100)});
  flood(port, 3);
  uint64_t now = 0;
  port.run(now, 10 * kHz);
  CHECK(bits_a_second(port.sent(0), now) == Approx(1e10 / 10'101).epsilon(0.002));
  CHECK(bits_a_second(port.sent(1), now) == Approx(1e14 / 10'101).epsilon(0.001));
  CHECK(bits_a_second(port.sent(2), now) == Approx(1e12 / 10'101).epsilon(0.001));
}

TEST_CASE("4096 slices share a port evenly, and each is served in its turn", "[egress_scheduler]") {
  std::vector<SliceRates> slices(4096, slice(kNone, kNone));
  ScheduledPort port = port_at(100_Gbps, slices);
  flood(port, slices.size());
  uint64_t now = 0;
  port.run(now, kHz / 100);
  uint64_t least = UINT64_MAX;
  uint64_t most = 0;
  for (std::size_t i = 0; i < slices.size(); ++i) {
    least = std::min(least, port.sent(i));
    most = std::max(most, port.sent(i));
  }
  CHECK(most - least <= 2 * kFrame);
}

TEST_CASE("a burst is achieved to within one frame, and then the ceiling holds", "[egress_scheduler]") {
  const uint64_t burst = GENERATE(1542ull, 3084ull, 5'000ull, 65'536ull, 1'000'000ull);
  ScheduledPort port = port_at(400_Gbps, {slice(kNone, 100_Mbps, 100, Bytes{burst})}, kHz, Bytes{2'000'000});
  port.arrive(0, 0, 0, kFrame, kPlenty);
  uint64_t now = 0;
  port.run(now, 40'000);
  // What 40 us at 100 Mb/s may add is less than a frame.
  CHECK(port.sent(0) > burst - kFrame);
  CHECK(port.sent(0) <= burst + 500);
  port.run(now, kHz);
  CHECK(port.window(0).burst() <= burst);
  CHECK(port.window(0).burst() > burst - kFrame);
}

TEST_CASE("a worker that was away releases bursts, not what it missed", "[egress_scheduler]") {
  ScheduledPort port = port_at(10_Gbps, {slice(kNone, 1_Gbps), slice(2_Gbps, 3_Gbps), slice(kNone, kNone)});
  flood(port, 3);
  uint64_t now = 0;
  port.run(now, kHz / 100);
  const uint64_t before = port.sent(2);
  CHECK(port.send_all(now + kHz / 10) <= 125'000 + kFrame);  // what the port makes up for: 100 us
  CHECK(port.sent(2) - before <= 125'000 + kFrame);
  now += kHz / 10;
  port.run(now, now + kHz / 100);
  CHECK(port.window(0).burst() <= 8 * kFrame);
  CHECK(port.window(1).burst() <= 8 * kFrame);
  CHECK(port.port_window().burst() <= 125'000 + kFrame);
}

TEST_CASE("what was missed is not paid back at the expense of others", "[egress_scheduler]") {
  ScheduledPort port = port_at(10_Gbps, {slice(5_Gbps, kNone, 1), slice(kNone, kNone, 10'000)});
  flood(port, 2);
  uint64_t now = 0;
  port.run(now, kHz / 100);
  now += kHz / 10;
  const uint64_t before = port.sent(0);
  port.run(now, now + kHz / 100);
  CHECK(port.sent(0) - before == Approx((kHz / 100 + 100'000) * 5 / 8).epsilon(0.01));
}

TEST_CASE("a clock that jumps releases bursts at most, and stops nobody", "[egress_scheduler]") {
  EgressScheduler scheduler({10_Gbps, kHz, Bytes{kFrame}, Bytes{0}, 1, {}});
  scheduler.configure(SliceId{0}, slice(kNone, 1_Gbps));
  const auto send = [&](uint64_t now) {
    uint64_t bytes = 0;
    while (scheduler.next(Cycles{now})) {
      CHECK_FALSE(scheduler.charge(Bytes{kFrame}, true));
      bytes += kFrame;
    }
    return bytes;
  };
  uint64_t now = 1'000'000'000'000;
  scheduler.activate(SliceId{0}, 1, Cycles{now});
  for (int i = 0; i < 100; ++i) send(now += 10'000);
  CHECK(send(now) == 0);
  CHECK(send(now += 3'000'000'000'000) <= 8 * kFrame);
  CHECK(send(now -= 5'000'000'000'000 % now) == 0);
  uint64_t bytes = 0;
  for (int i = 0; i < 1000; ++i) bytes += send(now += 10'000);
  CHECK(bytes == Approx(1'250'000).epsilon(0.02));
  CHECK(send(0) == 0);
  CHECK(send(UINT64_MAX / 2) <= 8 * kFrame);
  CHECK(send(1) == 0);
}

TEST_CASE("back and forth, a jumping clock earns nothing but what goes by", "[egress_scheduler]") {
  ScheduledPort port = port_at(10_Gbps, {slice(kNone, 1_Gbps)});
  port.arrive(1'000'000, 0, 0, kFrame, kPlenty);
  uint64_t now = 1'000'000;
  port.run(now, 2'000'000);
  EgressScheduler& scheduler = port.scheduler();
  uint64_t bytes = 0;
  for (int i = 0; i < 1000; ++i)  // forth by 10 ns, back by 10 ns: 10 us in all
    for (const uint64_t time : {now + 10, now})
      while (scheduler.next(Cycles{time})) {
        CHECK_FALSE(scheduler.charge(Bytes{kFrame}, true));
        bytes += kFrame;
      }
  CHECK(bytes <= 1'250 + kFrame);
}

TEST_CASE("a new ceiling neither resets the bucket nor bursts", "[egress_scheduler]") {
  ScheduledPort port = port_at(10_Gbps, {slice(kNone, 1_Gbps)});
  port.arrive(0, 0, 0, kFrame, kPlenty);
  uint64_t now = 0;
  port.run(now, kHz / 1000);
  EgressScheduler& scheduler = port.scheduler();
  // The burst is used up, and stays so, however often the rate is changed.
  const uint64_t before = port.sent(0);
  for (int i = 0; i < 1000; ++i) {
    scheduler.configure(SliceId{0}, slice(kNone, i % 2 == 0 ? 2_Gbps : 1_Gbps));
    port.send_all(now);
  }
  CHECK(port.sent(0) - before <= kFrame);
  scheduler.configure(SliceId{0}, slice(kNone, 2_Gbps));
  const uint64_t from = now;
  const uint64_t at = port.sent(0);
  port.run(now, now + kHz / 10);
  CHECK(bits_a_second(port.sent(0) - at, now - from) == Approx(2e9).epsilon(0.001));
  // From no ceiling to one: nothing is in the bucket.
  scheduler.configure(SliceId{0}, slice(kNone, kNone));
  port.run(now, now + kHz / 1000);
  scheduler.configure(SliceId{0}, slice(kNone, 1_Mbps));
  const uint64_t limited = port.sent(0);
  port.run(now, now + kHz / 1000);
  CHECK(port.sent(0) - limited <= kFrame);
}

TEST_CASE("new guarantees, weights and speeds hold from the next frame on", "[egress_scheduler]") {
  ScheduledPort port = port_at(10_Gbps, {slice(kNone, kNone, 1), slice(kNone, kNone, 1)});
  flood(port, 2);
  uint64_t now = 0;
  const auto rates_in = [&](uint64_t time) {
    const uint64_t a = port.sent(0);
    const uint64_t b = port.sent(1);
    port.run(now, now + time);
    return std::pair(bits_a_second(port.sent(0) - a, time), bits_a_second(port.sent(1) - b, time));
  };
  const auto check = [](std::pair<double, double> got, double a, double b) {
    CHECK(got.first == Approx(a).epsilon(0.03));
    CHECK(got.second == Approx(b).epsilon(0.03));
  };
  check(rates_in(200'000), 5e9, 5e9);
  port.scheduler().configure(SliceId{0}, slice(kNone, kNone, 4000));
  port.scheduler().configure(SliceId{1}, slice(kNone, kNone, 1000));
  check(rates_in(200'000), 8e9, 2e9);
  port.scheduler().configure(SliceId{1}, slice(5_Gbps, kNone, 1000));
  check(rates_in(200'000), 4e9, 6e9);
  port.scheduler().configure(SliceId{1}, slice(kNone, kNone, 4000));
  check(rates_in(200'000), 5e9, 5e9);
  port.set_speed(now, 1_Gbps);
  check(rates_in(2'000'000), 5e8, 5e8);
  port.scheduler().configure(SliceId{0}, slice(700_Mbps, kNone, 4000));
  check(rates_in(2'000'000), 8.5e8, 1.5e8);
  port.set_speed(now, 10_Gbps);
  check(rates_in(200'000), 7e8 + 4.65e9, 4.65e9);
}

TEST_CASE("a guaranteed slice that begins to send is served at once", "[egress_scheduler]") {
  std::vector<SliceRates> slices(200, slice(kNone, kNone, 10'000));
  slices[7] = slice(8_Gbps, kNone, 1);
  ScheduledPort port = port_at(10_Gbps, slices);
  for (std::size_t i = 0; i < slices.size(); ++i)
    if (i != 7) port.arrive(0, i, 0, kFrame, kPlenty);
  uint64_t now = 0;
  port.run(now, 1'000'000);
  port.arrive(now, 7, 0, kFrame, 3);
  const uint64_t from = now;
  while (port.backlog(7) > 0) port.run(now, now + 100);
  // Three frames at 8 Gb/s take 4.6 us; the frame on the wire and one of another slice come on top.
  CHECK(now - from <= 4'626 + 2 * 1'234 + 100);
}

TEST_CASE("next_event says when, and nothing when nobody waits", "[egress_scheduler]") {
  ScheduledPort port = port_at(1_Gbps, {slice(kNone, 100_Mbps, 100, Bytes{kFrame})});
  CHECK_FALSE(port.scheduler().next_event());
  port.arrive(1'000, 0, 0, kFrame, 2);
  CHECK(port.scheduler().next_event() == Cycles{1'000});
  CHECK(port.send_run(1'000) == kFrame);
  CHECK(port.send_run(1'000) == 0);
  CHECK(port.send_run(1'000 + kFrame * 8) == 0);  // the port is free, the ceiling is not
  CHECK(port.scheduler().next_event() == Cycles{1'000 + kFrame * 80});
  CHECK(port.send_run(1'000 + kFrame * 80 - 1) == 0);
  CHECK(port.send_run(1'000 + kFrame * 80) == kFrame);
  CHECK_FALSE(port.scheduler().next_event());
}

TEST_CASE("a slice that is removed is forgotten", "[egress_scheduler]") {
  ScheduledPort port = port_at(1_Gbps, {slice(100_Mbps, 200_Mbps), slice(100_Mbps, kNone)});
  flood(port, 2);
  uint64_t now = 0;
  port.run(now, 10'000'000);
  port.scheduler().remove(SliceId{0});
  const uint64_t before = port.sent(0);
  const uint64_t other = port.sent(1);
  port.run(now, 20'000'000);
  CHECK(port.sent(0) == before);
  CHECK(bits_a_second(port.sent(1) - other, 10'000'000) == Approx(1e9).epsilon(0.003));
  port.scheduler().remove(SliceId{1});
  CHECK_FALSE(port.scheduler().next_event());
}

TEST_CASE("a grant that is not used costs nothing", "[egress_scheduler]") {
  EgressScheduler scheduler({10_Gbps, kHz, Bytes{kFrame}, Bytes{0}, 2, {}});
  for (const uint16_t i : {uint16_t{0}, uint16_t{1}}) {
    scheduler.configure(SliceId{i}, slice(1_Gbps, 5_Gbps));
    scheduler.activate(SliceId{i}, 1, Cycles{5});
  }
  for (int i = 0; i < 100; ++i) {
    const Grant* grant = scheduler.next(Cycles{5});
    REQUIRE(grant);
    CHECK_FALSE(scheduler.charge(Bytes{0}, i < 98));
  }
  CHECK_FALSE(scheduler.next(Cycles{5}));
  CHECK_FALSE(scheduler.next_event());
}

TEST_CASE("decisions allocate nothing", "[egress_scheduler]") {
  std::vector<SliceRates> slices(64, slice(10_Mbps, 200_Mbps));
  EgressScheduler scheduler({10_Gbps, kHz, Bytes{kFrame}, Bytes{0}, 64, {}});
  for (uint16_t i = 0; i < 64; ++i) scheduler.configure(SliceId{i}, slices[i]);
  const uint64_t before = allocations();
  uint64_t now = 1;
  for (int i = 0; i < 100'000; ++i) {
    scheduler.activate(SliceId{static_cast<uint16_t>(i % 64)}, 1, Cycles{now});
    if (scheduler.next(Cycles{now})) (void)scheduler.charge(Bytes{kFrame}, i % 3 != 0);
    now += 700;
  }
  CHECK(allocations() == before);
}
