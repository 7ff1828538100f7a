// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <vector>

#include "shaper/egress_scheduler.hpp"

namespace bulkhead::test {

/// Whether a rate and burst held over every window: the most that any window that ends now has had beyond
/// the rate, kept exactly, in units of bits * hz.
class WindowCheck {
 public:
  WindowCheck() = default;
  WindowCheck(BitsPerSecond rate, uint64_t hz) : rate_(rate.count()), hz_(hz) {}

  void sent(uint64_t now, uint64_t bytes);
  /// The most bytes beyond the rate that any window had, rounded up: the least burst that allows them.
  [[nodiscard]] uint64_t burst() const;
  /// How many bytes a window that ends now may have beyond the rate, and has not, with this burst.
  [[nodiscard]] uint64_t room(uint64_t now, Bytes burst) const;

 private:
  uint64_t rate_ = 0;
  uint64_t hz_ = 1;
  uint64_t last_ = 0;
  __int128 level_ = 0;
  __int128 highest_ = 0;
};

/// A port in virtual time: the scheduler, a queue of frame lengths for each class, and books of what was
/// sent. Checks on the way what must always hold: grants are for classes with packets, and fit.
class ScheduledPort {
 public:
  using Options = EgressScheduler::Options;

  ScheduledPort(const Options& options, const std::vector<SliceRates>& slices);

  [[nodiscard]] EgressScheduler& scheduler() { return scheduler_; }

  void set_speed(uint64_t now, BitsPerSecond speed);
  void arrive(uint64_t now, std::size_t slice, std::size_t number, uint32_t bytes, uint32_t frames = 1);
  /// One decision at `now` and its frames; returns the bytes sent, zero if nobody may send.
  uint64_t send_run(uint64_t now);
  /// Runs from `now` to `until`, exactly when the scheduler asks for it, and calls `before_run` at each step.
  void run(uint64_t& now, uint64_t until, const std::function<void(uint64_t)>& before_run = {});
  /// All that can be sent at `now`, as a worker that has come late does.
  uint64_t send_all(uint64_t now);

  /// Whether the port stands still though a class with packets is under all ceilings, and so is the port.
  [[nodiscard]] bool is_wasting(uint64_t now) const;

  [[nodiscard]] uint64_t sent(std::size_t slice) const;
  [[nodiscard]] uint64_t sent(std::size_t slice, std::size_t number) const { return sent_[slice][number]; }
  [[nodiscard]] uint64_t sent() const { return total_; }
  [[nodiscard]] uint64_t backlog(std::size_t slice, std::size_t number) const;
  [[nodiscard]] uint64_t backlog(std::size_t slice) const;
  [[nodiscard]] const WindowCheck& window(std::size_t slice) const { return slice_windows_[slice]; }
  [[nodiscard]] const WindowCheck& window(std::size_t slice, std::size_t number) const {
    return class_windows_[slice][number];
  }
  [[nodiscard]] const WindowCheck& port_window() const { return port_window_; }
  [[nodiscard]] const Grant& last_grant() const { return last_grant_; }

 private:
  template <class Value>
  using PerClass = std::array<Value, kMaxClasses>;
  struct Frames {
    uint32_t bytes;
    uint32_t count;
  };

  uint64_t take(const Grant& grant, uint64_t now);
  [[nodiscard]] bool may_send(std::size_t slice, std::size_t number, uint64_t now) const;

  Options options_;
  std::vector<SliceRates> rates_;
  EgressScheduler scheduler_;
  std::vector<PerClass<std::deque<Frames>>> queues_;  // runs of equal frames
  std::vector<PerClass<uint64_t>> sent_;
  std::vector<PerClass<uint64_t>> backlog_;
  std::vector<PerClass<WindowCheck>> class_windows_;
  std::vector<WindowCheck> slice_windows_;
  WindowCheck port_window_;
  uint64_t total_ = 0;
  Grant last_grant_;
};

}  // namespace bulkhead::test
