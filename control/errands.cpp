// SPDX-License-Identifier: Apache-2.0
#include "control/errands.hpp"

namespace bulkhead {

bool Errands::have_done(const std::function<void()>& work) {
  Errand errand{.work = &work};
  {
    const std::lock_guard lock(mutex_);
    if (closed_) return false;
    waiting_.push_back(&errand);
  }
  call_();
  std::unique_lock lock(mutex_);
  settled_.wait(lock, [&] { return errand.done || closed_; });
  return errand.done;
}

void Errands::do_next() {
  std::unique_lock lock(mutex_);
  if (waiting_.empty()) return;
  Errand* const errand = waiting_.front();
  waiting_.pop_front();
  const bool more = !waiting_.empty();
  // Unlocked: others may come meanwhile. Who waits for this one cannot go, since closing is this thread's.
  lock.unlock();
  if (more) call_();
  (*errand->work)();
  lock.lock();
  errand->done = true;
  settled_.notify_all();
}

void Errands::close() {
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    waiting_.clear();
  }
  settled_.notify_all();
}

}  // namespace bulkhead
