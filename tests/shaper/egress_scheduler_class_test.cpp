// SPDX-License-Identifier: Apache-2.0
#include "shaper/egress_scheduler.hpp"

#include <catch2/catch.hpp>

#include "tests/shaper/scheduler_setup.hpp"

using namespace bulkhead;
using namespace bulkhead::test;

TEST_CASE("strict classes go in order, and the next decision is the higher one's", "[egress_scheduler]") {
  ScheduledPort port = port_at(10_Gbps, {slice(kNone, kNone)});
  port.arrive(0, 0, 3, kFrame, 100);
  uint64_t now = 0;
  port.run(now, 10'000);
  CHECK(port.last_grant().class_number == 3);
  port.arrive(now, 0, 1, kFrame, 1);
  port.arrive(now, 0, 0, kFrame, 1);
  for (const int expected : {0, 1, 3}) {
    while (port.send_run(now) == 0) ++now;
    CHECK(port.last_grant().class_number == expected);
  }
}

TEST_CASE("a run goes on with the slice's next class while there is room", "[egress_scheduler]") {
  ScheduledPort port = port_at(10_Gbps, {slice(kNone, kNone)});
  port.arrive(0, 0, 2, 500, 1);
  port.arrive(0, 0, 4, 700, 2);
  port.arrive(0, 0, 6, 84, 1);
  CHECK(port.send_run(0) == 500 + 700);  // another 700 is more than a largest frame
  CHECK(port.backlog(0, 6) == 84);
  CHECK(port.send_run(961) == 700 + 84);
}

TEST_CASE("a strict class preempts weighted ones at the next decision", "[egress_scheduler]") {
  SliceRates one = slice(kNone, kNone);
  one.class_count = 3;
  one.classes[1] = {false, rates(kNone, kNone, 3)};
  one.classes[2] = {false, rates(kNone, kNone, 1)};
  ScheduledPort port = port_at(10_Gbps, {one});
  port.arrive(0, 0, 1, kFrame, kPlenty);
  port.arrive(0, 0, 2, kFrame, kPlenty);
  uint64_t now = 0;
  port.run(now, 1'000'000);
  CHECK(port.sent(0, 1) == Approx(3 * port.sent(0, 2)).epsilon(0.02));
  port.arrive(now, 0, 0, 84, 1);
  while (port.send_run(now) == 0) ++now;
  CHECK(port.last_grant().class_number == 0);
}

TEST_CASE("classes get guarantee, share and ceiling by the same rule", "[egress_scheduler]") {
  // The slice has 5 Gb/s: strict 1 by its ceiling, then 1 guaranteed, and 3 to share 2:1.
  SliceRates one = slice(kNone, 5_Gbps);
  one.class_count = 4;
  one.classes[0] = {true, rates(kNone, 1_Gbps)};
  one.classes[1] = {false, rates(1_Gbps, kNone, 2)};
  one.classes[2] = {false, rates(kNone, kNone, 1)};
  one.classes[3] = {false, rates(kNone, kNone, 100)};
  ScheduledPort port = port_at(10_Gbps, {one});
  for (std::size_t i = 0; i < 3; ++i) port.arrive(0, 0, i, kFrame, kPlenty);
  uint64_t now = 0;
  port.run(now, kHz / 10);
  CHECK(bits_a_second(port.sent(0, 0), now) == Approx(1e9).epsilon(0.003));
  CHECK(bits_a_second(port.sent(0, 1), now) == Approx(3e9).epsilon(0.003));
  CHECK(bits_a_second(port.sent(0, 2), now) == Approx(1e9).epsilon(0.003));
  CHECK(port.window(0, 0).burst() <= 8 * kFrame);
}

TEST_CASE("while a class is at its ceiling its slice's other classes go on", "[egress_scheduler]") {
  SliceRates one = slice(kNone, kNone);
  one.classes[0].rates.ceiling = 1_Mbps;
  one.classes[0].rates.burst = Bytes{2 * kFrame};
  ScheduledPort port = port_at(1_Gbps, {one});
  port.arrive(0, 0, 0, kFrame, 100);
  uint64_t now = 0;
  port.run(now, 1'000'000);
  CHECK(port.sent(0, 0) == 2 * kFrame);
  port.arrive(now, 0, 5, kFrame, 1);
  CHECK(port.send_run(now) == kFrame);
  CHECK(port.last_grant().class_number == 5);
}

TEST_CASE("strict classes of the slice and other slices cost a class nothing of its guarantee",
          "[egress_scheduler]") {
  SliceRates one = slice(40_Mbps, 60_Mbps);
  one.class_count = 4;
  one.classes[0] = {true, rates(kNone, kNone)};
  one.classes[1] = {false, rates(20_Mbps, 30_Mbps)};
  one.classes[2] = {false, rates(10_Mbps, kNone)};
  one.classes[3] = {false, rates(kNone, kNone, 300)};
  ScheduledPort port = port_at(100_Mbps, {one, slice(20_Mbps, 80_Mbps, 200)});
  uint64_t now = 0;
  port.arrive(now, 0, 2, kFrame, kPlenty);
  port.arrive(now, 0, 3, kFrame, kPlenty);
  port.arrive(now, 1, 0, kFrame, kPlenty);
  // The strict class and the one in question send 20 Mb/s each, evenly.
  constexpr uint64_t kInterval = kFrame * 8 * 50;
  uint64_t strict_at = 0;
  uint64_t class_at = 0;
  uint64_t offered = 0;
  port.run(now, 2 * kHz, [&](uint64_t moment) {
    for (; strict_at <= moment; strict_at += kInterval) port.arrive(moment, 0, 0, kFrame, 1);
    for (; class_at <= moment; class_at += kInterval, offered += kFrame) port.arrive(moment, 0, 1, kFrame, 1);
  });
  CHECK(port.sent(0, 1) + 4 * kFrame >= offered);
}
