// SPDX-License-Identifier: Apache-2.0
#include "control/signals.hpp"

#include <unistd.h>

#include <utility>

namespace bulkhead {

Signals::Signals() {
  sigemptyset(&set_);
  for (const int signal : {SIGHUP, SIGTERM, SIGINT, SIGUSR1}) sigaddset(&set_, signal);
  pthread_sigmask(SIG_BLOCK, &set_, nullptr);
  // A client that closes its connection is an error of that write, not of the process.
  std::signal(SIGPIPE, SIG_IGN);
}

Signals::Wish Signals::wait() {
  while (true) {
    int signal = 0;
    if (sigwait(&set_, &signal) != 0) continue;
    if (signal == SIGHUP) return Wish::reload;
    if (signal != SIGUSR1) return Wish::stop;
    // Without a failure, somebody outside sent it, and meant another program.
    if (!failure().empty()) return Wish::failed;
  }
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
