// SPDX-License-Identifier: Apache-2.0
#include "shaper/ceiling.hpp"

#include <catch2/catch.hpp>

using namespace bulkhead;

namespace {

constexpr Bytes kFrame{1542};

/// Frames sent from cycle 0 on, each as soon as there is credit, until `end`.
uint64_t frames_until(Ceiling& ceiling, uint64_t end) {
  uint64_t frames = 0;
  for (FineTime now = fine(1); now < fine(end);) {
    if (!ceiling.has_credit(now)) {
      now = fine(whole_cycles(ceiling.credit_at()));
      continue;
    }
    ceiling.charge(now, kFrame);
    ++frames;
  }
  return frames;
}

}  // namespace

TEST_CASE("a byte's time is never too short, and at most 10^-8 too long", "[byte_cost]") {
  for (const uint64_t hz : {1'000'000'000ull, 2'600'000'000ull, 5'000'000'000ull})
    for (uint64_t rate = 1'000; rate <= 400'000'000'000; rate = rate * 7 / 3 + 1) {
      INFO(rate << " b/s at " << hz << " Hz");
      const Bytes many{1'000'000};
      const FineTime exact_times_rate = (FineTime{hz} * 8 << kFineBits) * many.count();
      const FineTime got_times_rate = ByteCost(BitsPerSecond{rate}, hz).time_of(many) * rate;
      CHECK(got_times_rate >= exact_times_rate);
      CHECK(got_times_rate - exact_times_rate <= exact_times_rate / 100'000'000);
    }
}

TEST_CASE("a full bucket lets its burst pass, to within one frame, and then the rate", "[ceiling]") {
  // 1 Gb/s at 1 GHz: eight cycles a byte.
  for (const uint64_t burst : {1542ull, 2000ull, 3084ull, 10'000ull, 1'000'000ull}) {
    INFO("burst " << burst);
    Ceiling ceiling(ByteCost(1_Gbps, 1'000'000'000), Bytes{burst}, kFrame);
    const uint64_t at_once = frames_until(ceiling, 2);
    CHECK(at_once == burst / kFrame.count());
    CHECK(at_once * kFrame.count() > burst - kFrame.count());
  }
}

TEST_CASE("a burst smaller than a frame counts as one frame", "[ceiling]") {
  Ceiling ceiling(ByteCost(1_Gbps, 1'000'000'000), Bytes{100}, kFrame);
  CHECK(ceiling.has_credit(fine(1)));
  ceiling.charge(fine(1), kFrame);
  CHECK_FALSE(ceiling.has_credit(fine(1)));
  CHECK(whole_cycles(ceiling.credit_at()) == 1 + 8 * kFrame.count());
}

TEST_CASE("a new rate takes over what was used of the burst, in bytes", "[ceiling]") {
  Ceiling ceiling(ByteCost(1_Gbps, 1'000'000'000), kFrame * 3, kFrame);
  ceiling.charge(fine(10), kFrame * 3);
  ceiling.change(ByteCost(2_Gbps, 1'000'000'000), kFrame * 3, kFrame, fine(10));
  CHECK(whole_cycles(ceiling.credit_at()) == 10 + 4 * kFrame.count());
  ceiling.change(ByteCost(500_Mbps, 1'000'000'000), kFrame * 3, kFrame, fine(10));
  CHECK(whole_cycles(ceiling.credit_at()) == 10 + 16 * kFrame.count());
  // A larger burst is there at once, a smaller one is owed.
  ceiling.change(ByteCost(500_Mbps, 1'000'000'000), kFrame * 4, kFrame, fine(10));
  CHECK(ceiling.has_credit(fine(10)));
  ceiling.change(ByteCost(500_Mbps, 1'000'000'000), kFrame * 2, kFrame, fine(10));
  CHECK(whole_cycles(ceiling.credit_at()) == 10 + 32 * kFrame.count());
}

TEST_CASE("an exhausted bucket fills at the rate", "[ceiling]") {
  Ceiling ceiling(ByteCost(1_Gbps, 1'000'000'000), kFrame * 2, kFrame);
  ceiling.exhaust(fine(100), kFrame);
  CHECK_FALSE(ceiling.has_credit(fine(100)));
  CHECK(whole_cycles(ceiling.credit_at()) == 100 + 8 * kFrame.count());
}
