// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>

namespace bulkhead {

/// What the main thread is told to do. Signals are blocked in every thread and waited for in one place, so
/// that no handler ever interrupts anything.
class Signals {
 public:
  enum class Wish : uint8_t { reload, stop, failed, errands, none };

  /// Blocks the signals in this thread and in those that it will start.
  Signals();

  /// Waits for the next one, and for `patience` at most; `stop` comes first, however much else there is to
  /// do. Main thread.
  [[nodiscard]] Wish wait(std::chrono::seconds patience = std::chrono::hours{24});

  /// Makes `wait` return `failed`; the first reason is kept. Any thread.
  void fail(std::string reason);
  [[nodiscard]] std::string failure() const;

  /// Makes `wait` return `errands`, once for all calls since it last did. Any thread.
  void call_for_errands();

 private:
  sigset_t set_{};
  mutable std::mutex mutex_;
  std::optional<std::string> failure_;  // any thread, under mutex_
  std::atomic<bool> errands_ = false;   // any thread: sets, the one that waits: clears
};

}  // namespace bulkhead
