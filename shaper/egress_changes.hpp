// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "shaper/egress.hpp"

namespace bulkhead {

/// What the control thread wants changed at one port's way out. Whoever visits that next makes the changes: a
/// control thread that took the claim could be kept from its core with it, and every slice at the port would
/// wait.
class EgressChanges {
 public:
  struct Change {
    enum class Kind : uint8_t {
      attach,
      detach,  // for good: what waits is dropped as `shutdown`
      rates,
      speed,  // of the port
    };
    Kind kind;
    SliceOutput* output = nullptr;
    SliceRates rates{};
    BitsPerSecond speed{0};
  };

  /// They are to be made in this order. Requires: are_made().
  void post(std::vector<Change> changes) {
    changes_ = std::move(changes);
    left_.store(changes_.size(), std::memory_order_release);
  }
  /// All are, and seen to be. Control thread.
  [[nodiscard]] bool are_made() const { return left_.load(std::memory_order_acquire) == 0; }

  /// Makes some of them: so few that nobody waits for long. Requires: the claim of that egress.
  void make_some(Egress& egress) {
    if (left_.load(std::memory_order_relaxed) != 0) [[unlikely]]
      make_some_of_them(egress);
  }

 private:
  void make_some_of_them(Egress& egress);
  [[nodiscard]] static bool make(const Change& change, Egress& egress);

  std::vector<Change> changes_;       // control: writes while none is left
  std::atomic<std::size_t> left_{0};  // of them, the last ones
};

}  // namespace bulkhead
