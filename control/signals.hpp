// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <csignal>
#include <mutex>
#include <optional>
#include <string>

namespace bulkhead {

/// What the main thread is told to do. Signals are blocked in every thread and waited for in one place, so
/// that no handler ever interrupts anything.
class Signals {
 public:
  enum class Wish : uint8_t { reload, stop, failed };

  /// Blocks the signals in this thread and in those that it will start.
  Signals();

  /// Waits for the next one. Main thread.
  [[nodiscard]] Wish wait();

  /// Makes `wait` return `failed`; the first reason is kept. Any thread.
  void fail(std::string reason);
  [[nodiscard]] std::string failure() const;

 private:
  sigset_t set_{};
  mutable std::mutex mutex_;
  std::optional<std::string> failure_;  // any thread, under mutex_
};

}  // namespace bulkhead
