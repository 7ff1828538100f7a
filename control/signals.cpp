// SPDX-License-Identifier: Apache-2.0
#include "control/signals.hpp"

#include <unistd.h>

#include <cerrno>
#include <utility>

namespace bulkhead {
namespace {

/// Whether the order to stop is there already. sigwait hands out lower numbers first, so that clients that
/// ask again and again would keep SIGTERM waiting for ever.
bool must_stop() {
  sigset_t stop;
  sigemptyset(&stop);
  for (const int signal : {SIGTERM, SIGINT}) sigaddset(&stop, signal);
  const timespec no_time{};
  return sigtimedwait(&stop, nullptr, &no_time) > 0;
}

}  // namespace

Signals::Signals() {
  sigemptyset(&set_);
  for (const int signal : {SIGHUP, SIGTERM, SIGINT, SIGUSR1}) sigaddset(&set_, signal);
  pthread_sigmask(SIG_BLOCK, &set_, nullptr);
  // A client that closes its connection is an error of that write, not of the process.
  std::signal(SIGPIPE, SIG_IGN);
}

Signals::Wish Signals::wait(std::chrono::seconds patience) {
  const timespec most{.tv_sec = patience.count(), .tv_nsec = 0};
  while (true) {
    if (must_stop()) return Wish::stop;
    const int signal = sigtimedwait(&set_, nullptr, &most);
    if (signal < 0 && errno == EAGAIN) return Wish::none;
    if (signal < 0) continue;
    if (signal == SIGHUP) return Wish::reload;
    if (signal != SIGUSR1) return Wish::stop;
    // Without either, somebody outside sent it, and meant another program.
    if (!failure().empty()) return Wish::failed;
    if (errands_.exchange(false)) return Wish::errands;
  }
}

void Signals::call_for_errands() {
  errands_ = true;
  kill(getpid(), SIGUSR1);
}

void Signals::fail(std::string reason) {
  {
    const std::lock_guard lock(mutex_);
    if (!failure_) failure_ = std::move(reason);
  }
  kill(getpid(), SIGUSR1);
}

std::string Signals::failure() const {
  const std::lock_guard lock(mutex_);
  return failure_.value_or(std::string{});
}

}  // namespace bulkhead
