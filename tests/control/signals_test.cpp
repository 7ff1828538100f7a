// SPDX-License-Identifier: Apache-2.0
#include "control/signals.hpp"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <thread>

using namespace bulkhead;

namespace {

void send(int signal) { REQUIRE(kill(getpid(), signal) == 0); }

}  // namespace

TEST_CASE("signals are waited for, one wish each", "[signals]") {
  Signals signals;
  send(SIGHUP);
  CHECK(signals.wait() == Signals::Wish::reload);
  send(SIGTERM);
  CHECK(signals.wait() == Signals::Wish::stop);
  send(SIGINT);
  CHECK(signals.wait() == Signals::Wish::stop);
  CHECK(signals.failure().empty());
}

TEST_CASE("a failure in any thread wakes the one that waits, and the first reason is kept", "[signals]") {
  Signals signals;
  std::thread([&] {
    signals.fail("the bearings are hot");
    signals.fail("and the fan is off");
  }).join();
  CHECK(signals.wait() == Signals::Wish::failed);
  CHECK(signals.failure() == "the bearings are hot");
}

TEST_CASE("the signal that tells of a failure says nothing when it comes from outside", "[signals]") {
  Signals signals;
  send(SIGUSR1);  // the kernel hands out the lower number first
  send(SIGTERM);
  CHECK(signals.wait() == Signals::Wish::stop);
  sigset_t pending;
  REQUIRE(sigpending(&pending) == 0);
  CHECK(sigismember(&pending, SIGTERM) == 0);
}

TEST_CASE("errands call the one that waits, many calls at once", "[signals]") {
  Signals signals;
  std::thread([&] {
    signals.call_for_errands();
    signals.call_for_errands();
  }).join();
  CHECK(signals.wait() == Signals::Wish::errands);
  send(SIGTERM);
  CHECK(signals.wait() == Signals::Wish::stop);
}

TEST_CASE("the order to stop comes before whatever else there is to do", "[signals]") {
  Signals signals;
  signals.call_for_errands();
  send(SIGHUP);
  send(SIGTERM);
  CHECK(signals.wait() == Signals::Wish::stop);
  CHECK(signals.wait() == Signals::Wish::reload);
  CHECK(signals.wait() == Signals::Wish::errands);
}

TEST_CASE("a client that goes away does not end the process", "[signals]") {
  const Signals signals;
  send(SIGPIPE);
  SUCCEED("still here");
}

TEST_CASE("who waits for a time only is told that nothing came") {
  Signals signals;
  CHECK(signals.wait(std::chrono::seconds{0}) == Signals::Wish::none);
  signals.call_for_errands();
  CHECK(signals.wait(std::chrono::seconds{0}) == Signals::Wish::errands);
}
