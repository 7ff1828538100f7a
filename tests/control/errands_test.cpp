// SPDX-License-Identifier: Apache-2.0
#include "control/errands.hpp"

#include <atomic>
#include <catch2/catch.hpp>
#include <stdexcept>
#include <thread>
#include <vector>

using namespace bulkhead;

namespace {

/// Counts the calls; the test's thread is the one that does the errands.
struct Called {
  std::atomic<int> times = 0;
  void wait_for(int wanted) const {
    for (int seen = times; seen < wanted; seen = times) times.wait(seen);
  }
  std::function<void()> call() {
    return [this] {
      ++times;
      times.notify_all();
    };
  }
};

}  // namespace

TEST_CASE("an errand is done by the one thread, and who sent it waits until then") {
  Called called;
  Errands errands(called.call());
  std::thread::id by;
  bool done = false;
  std::thread sender([&] { done = errands.have_done([&] { by = std::this_thread::get_id(); }); });
  called.wait_for(1);
  errands.do_next();
  sender.join();
  CHECK(done);
  CHECK(by == std::this_thread::get_id());
  errands.do_next();  // nothing is left
}

TEST_CASE("errands of many are done one by one, and each is called for") {
  Called called;
  Errands errands(called.call());
  int sum = 0;  // no lock: only one thread adds
  std::vector<std::thread> senders;
  for (int i = 0; i < 4; ++i)
    senders.emplace_back([&] {
      for (int j = 0; j < 25; ++j)
        if (!errands.have_done([&] { ++sum; })) std::abort();
    });
  for (int seen = 0; sum < 100; ++seen) {
    called.wait_for(seen + 1);
    errands.do_next();
  }
  for (std::thread& sender : senders) sender.join();
  CHECK(sum == 100);
}

TEST_CASE("between two errands the one thread is called again") {
  Called called;
  Errands errands(called.call());
  std::atomic<int> done = 0;
  std::thread first([&] { done += errands.have_done([] {}) ? 1 : 0; });
  std::thread second([&] { done += errands.have_done([] {}) ? 1 : 0; });
  called.wait_for(2);
  errands.do_next();
  CHECK(called.times == 3);
  errands.do_next();
  CHECK(called.times == 3);
  first.join();
  second.join();
  CHECK(done == 2);
}

TEST_CASE("once closed nothing is done, and nobody waits") {
  Called called;
  Errands errands(called.call());
  bool done = true;
  bool worked = false;
  std::thread sender([&] { done = errands.have_done([&] { worked = true; }); });
  called.wait_for(1);
  errands.close();
  sender.join();
  CHECK_FALSE(done);
  CHECK_FALSE(errands.have_done([&] { worked = true; }));
  errands.do_next();
  CHECK_FALSE(worked);
}

TEST_CASE("an errand that fails is the one thread's failure, and is not done") {
  Called called;
  Errands errands(called.call());
  bool done = true;
  std::thread sender([&] { done = errands.have_done([] { throw std::runtime_error("no"); }); });
  called.wait_for(1);
  CHECK_THROWS_AS(errands.do_next(), std::runtime_error);
  errands.close();
  sender.join();
  CHECK_FALSE(done);
}
