// SPDX-License-Identifier: Apache-2.0
#include "shaper/share_queue.hpp"

#include <catch2/catch.hpp>
#include <vector>

using namespace bulkhead;

namespace {

constexpr uint64_t kFrame = 1546;

/// Members that always want to send, unless they are told to stop.
class Queue {
 public:
  explicit Queue(const std::vector<uint32_t>& weights)
      : sent(weights.size()), wants(weights.size(), true), queue_(weights.size(), Bytes{kFrame}) {
    uint16_t member = 0;
    for (const uint32_t weight : weights) {
      queue_.set_weight(member, weight);
      queue_.enter(member++);
    }
  }
  ShareQueue& operator*() { return queue_; }

  uint16_t serve(uint64_t bytes = kFrame) {
    const auto asked = [this](uint16_t each) { return wants[each]; };
    const uint16_t member = queue_.take(asked);
    if (member == ShareQueue::kNone) return member;
    queue_.charge(member, bytes);
    queue_.advance(bytes, asked);
    sent[member] += bytes;
    return member;
  }
  void serve(int frames) {
    while (frames-- > 0) (void)serve();
  }
  [[nodiscard]] double part(std::size_t member, std::size_t of) const {
    return static_cast<double>(sent[member]) / static_cast<double>(sent[of]);
  }

  std::vector<uint64_t> sent;
  std::vector<bool> wants;

 private:
  ShareQueue queue_;
};

}  // namespace

TEST_CASE("members are served by weight", "[share_queue]") {
  Queue queue({1, 3, 10'000});
  queue.serve(100'000);
  CHECK(queue.part(1, 0) == Approx(3).epsilon(0.1));
  CHECK(queue.part(2, 1) == Approx(10'000.0 / 3).epsilon(0.05));
}

TEST_CASE("who stops after every frame and comes back gains nothing", "[share_queue]") {
  Queue queue({1, 1, 1});
  for (int i = 0; i < 9000; ++i) {
    queue.wants[0] = false;
    (*queue).withdraw(0);
    (void)queue.serve();
    queue.wants[0] = true;
    (*queue).enter(0);
    (void)queue.serve();
  }
  CHECK(queue.part(0, 1) <= 1.001);
  CHECK(queue.part(1, 2) == Approx(1).epsilon(0.001));
}

TEST_CASE("who comes back while the ideal still serves it has the place that it left", "[share_queue]") {
  // Weight 1 of 101: a frame of it takes the ideal a hundred of the other's.
  Queue queue({1, 100});
  queue.serve(102);
  REQUIRE(queue.sent[0] >= kFrame);
  const std::vector<uint64_t> before = queue.sent;
  for (int i = 0; i < 90; ++i) {
    queue.wants[0] = false;
    (void)queue.serve();
    queue.wants[0] = true;
    (*queue).enter(0);
  }
  queue.serve(5);
  CHECK(queue.sent[0] - before[0] <= kFrame);
}

TEST_CASE("who has been away for long starts at the present", "[share_queue]") {
  Queue queue({1, 1});
  queue.wants[0] = false;
  queue.serve(1000);
  queue.wants[0] = true;
  (*queue).enter(0);
  const std::vector<uint64_t> before = queue.sent;
  queue.serve(100);
  CHECK(queue.sent[0] - before[0] >= 49 * kFrame);
  CHECK(queue.sent[0] - before[0] <= 51 * kFrame);
}

TEST_CASE("a new weight holds at once, whoever is on the way out", "[share_queue]") {
  Queue queue({1, 1, 1});
  queue.serve(10);
  queue.wants[2] = false;
  (void)queue.serve();
  (*queue).set_weight(1, 4);
  (*queue).set_weight(2, 4);
  queue.serve(3);  // the last one leaves
  queue.sent = {0, 0, 0};
  queue.serve(5000);
  CHECK(queue.part(1, 0) == Approx(4).epsilon(0.01));
  queue.wants[2] = true;
  (*queue).enter(2);
  queue.sent = {0, 0, 0};
  queue.serve(9000);
  CHECK(queue.part(2, 0) == Approx(4).epsilon(0.01));
  CHECK(queue.part(1, 0) == Approx(4).epsilon(0.01));
}

TEST_CASE("nobody wants, nobody is taken", "[share_queue]") {
  Queue queue({1, 2});
  queue.wants = {false, false};
  CHECK(queue.serve() == ShareQueue::kNone);
  queue.wants = {false, true};
  (*queue).enter(1);
  CHECK(queue.serve() == 1);
}
