// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>

namespace bulkhead {

/// What other threads want done by the one thread that may: one errand after the other, in the order in which
/// they came.
class Errands {
 public:
  /// `call` makes the one thread call `do_next` soon. It is called from any thread.
  explicit Errands(std::function<void()> call) : call_(std::move(call)) {}

  /// Has `work` done and waits until it is. False where it was not: closed before, or it threw, and then
  /// the one thread has the exception. Any other thread.
  [[nodiscard]] bool have_done(const std::function<void()>& work);

  /// Does the first errand, if one is there, and calls for the next: between two, the thread can see to
  /// what is more urgent. The one thread.
  void do_next();

  /// From now on nothing is done; who waits is told so. The one thread.
  void close();

 private:
  struct Errand {
    const std::function<void()>* work;
    bool done = false;
  };

  const std::function<void()> call_;
  std::mutex mutex_;  // guards what follows
  std::condition_variable settled_;
  std::deque<Errand*> waiting_;  // of threads that wait in have_done
  bool closed_ = false;
};

}  // namespace bulkhead
