// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <thread>

namespace bulkhead {

/// The right to visit something, held by one worker at a time. What is behind it needs no locks: taking the
/// claim sees everything that the last holder wrote.
class Claim {
 public:
  /// Never waits: what another worker is visiting needs no second visit.
  [[nodiscard]] bool try_take() {
    return !taken_.load(std::memory_order_relaxed) && !taken_.exchange(true, std::memory_order_acquire);
  }
  void release() { taken_.store(false, std::memory_order_release); }

  /// For the control thread, which may wait: until the visit that is going on has ended.
  void take() {
    while (!try_take()) std::this_thread::yield();
  }

 private:
  std::atomic<bool> taken_{false};
};

}  // namespace bulkhead
