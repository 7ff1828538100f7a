// SPDX-License-Identifier: Apache-2.0
#include "shaper/guarantee_queue.hpp"

#include <algorithm>
#include <array>
#include <catch2/catch.hpp>

using namespace bulkhead;

namespace {

constexpr uint64_t kFrame = 1546;
constexpr uint64_t kShort = 84;
constexpr uint16_t kRest = GuaranteeQueue::kNone;

/// A port of 10 Gb/s on which somebody always sends, and members who always want to.
class Queue {
 public:
  explicit Queue(std::size_t members) : queue_(members, Bytes{kFrame}) {}
  GuaranteeQueue& operator*() { return queue_; }

  void guarantee(uint16_t member, BitsPerSecond rate) {
    queue_.set_guarantee(member, rate, 10_Gbps);
    queue_.enter(member);
  }
  uint16_t serve(bool wants_more = true) {
    const uint16_t member = queue_.take([](uint16_t) { return true; });
    const uint64_t bytes = member != kRest && member == brief_ ? sends_ : kFrame;
    if (member == kRest)
      queue_.charge_rest(bytes);
    else
      queue_.charge(member, bytes, wants_more && member != brief_);
    queue_.advance(bytes);
    return member;
  }
  /// From now on the member sends so much when it is served, and has no more then; kRest: nobody is like
  /// that.
  void set_brief(uint16_t member, uint64_t bytes) {
    brief_ = member;
    sends_ = bytes;
  }
  /// The member begins to want to, at various moments: how many others are served before it, at most.
  int most_before(uint16_t member) {
    int most = 0;
    for (int moment = 0; moment < 30; ++moment) {
      for (int other = 0; other < 20 + moment; ++other) serve();
      queue_.enter(member);
      int others = 0;
      while (serve() != member) REQUIRE(++others < 1000);
      most = std::max(most, others);
    }
    return most;
  }
  /// How many times the rest is served before somebody's guarantee is.
  int rest_before_guarantee(bool wants_more = true) {
    int rest = 0;
    while (serve(wants_more) == kRest) REQUIRE(++rest < 1000);
    return rest;
  }

 private:
  GuaranteeQueue queue_;
  uint16_t brief_ = kRest;
  uint64_t sends_ = 0;
};

}  // namespace

TEST_CASE("each member is served its guarantee, the rest what they leave over", "[guarantee_queue]") {
  Queue queue(3);
  queue.guarantee(0, 2_Gbps);
  queue.guarantee(1, 3_Gbps);
  std::array<int, 3> served{};
  for (int i = 0; i < 10'000; ++i) {
    const uint16_t member = queue.serve();
    ++served.at(member == kRest ? 2 : member);
  }
  CHECK(served[0] == Approx(2000).margin(2));
  CHECK(served[1] == Approx(3000).margin(2));
  CHECK(served[2] == Approx(5000).margin(2));
}

TEST_CASE("a thousand guarantees that are due at once do not keep the rest waiting", "[guarantee_queue]") {
  Queue queue(1000);
  for (uint16_t member = 0; member < 1000; ++member) queue.guarantee(member, 5_Mbps);
  int rest = 0;
  for (int i = 0; i < 20; ++i) rest += queue.serve() == kRest ? 1 : 0;
  CHECK(rest >= 8);
}

TEST_CASE("who stops is in use until its run is over", "[guarantee_queue]") {
  Queue queue(1);
  queue.guarantee(0, 1_Gbps);
  // A frame at a tenth of the port's speed is ten frames of the port's, less the one that it is.
  CHECK(queue.rest_before_guarantee(false) <= 9);
  CHECK_FALSE((*queue).empty());
  (*queue).idle(5 * kFrame);
  (*queue).enter(0);
  CHECK(queue.rest_before_guarantee(false) >= 3);
  (*queue).idle(10 * kFrame);
  CHECK((*queue).empty());
}

TEST_CASE("after hours without contention a guarantee is served at once", "[guarantee_queue]") {
  Queue queue(1);
  queue.guarantee(0, 1_Gbps);
  CHECK(queue.rest_before_guarantee(false) <= 9);
  // More than half a turn of the clock, in which nobody asks.
  for (int hour = 0; hour < 5; ++hour) (*queue).idle(uint64_t{1} << 45);
  (*queue).enter(0);
  CHECK(queue.rest_before_guarantee() <= 9);
}

TEST_CASE("however long nobody asked, a guarantee is served at once", "[guarantee_queue]") {
  for (uint64_t part = 1; part < 8; ++part) {
    INFO(part << " eighths of a turn of the clock");
    Queue queue(1);
    queue.guarantee(0, 1_Gbps);
    CHECK(queue.rest_before_guarantee(false) <= 9);
    (*queue).idle(part << 45);
    (*queue).enter(0);
    CHECK(queue.rest_before_guarantee() <= 9);
  }
}

TEST_CASE("who sends little at a time does not wait for those who send much", "[guarantee_queue]") {
  Queue queue(9);
  for (uint16_t member = 0; member < 9; ++member) queue.guarantee(member, 1_Gbps);
  queue.set_brief(0, kFrame);
  CHECK(queue.most_before(0) > 3);
  queue.set_brief(0, kShort);
  (void)queue.most_before(0);
  CHECK(queue.most_before(0) <= 1);
}

TEST_CASE("who sends much after little has no more than its guarantee", "[guarantee_queue]") {
  Queue queue(9);
  for (uint16_t member = 0; member < 9; ++member) queue.guarantee(member, 1_Gbps);
  std::array<int, 9> served{};
  for (int i = 0; i < 90'000; ++i) {
    // Ten short ones, then ten of the longest.
    queue.set_brief(served[0] % 20 < 10 ? uint16_t{0} : kRest, kShort);
    const uint16_t member = queue.serve();
    (*queue).enter(0);
    if (member != kRest) ++served.at(member);
  }
  for (std::size_t member = 2; member < 9; ++member) CHECK(served.at(member) == Approx(served[1]).margin(2));
  // Half of its turns are short.
  const double bytes = served[0] / 2.0 * (kShort + kFrame);
  CHECK(bytes <= served[1] * static_cast<double>(kFrame) * 1.001);
}
