// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

namespace bulkhead {

/// One immutable object that a control thread replaces while workers use it. Each worker picks the newest up
/// between visits; the old one is given back to the control thread once all have passed on (read-copy-update
/// with explicit quiescent states: McKenney & Slingwine, 1998).
template <class Value>
class Published {
 public:
  Published(std::size_t readers, std::unique_ptr<const Value> first)
      : seen_(readers), owned_(std::move(first)), current_(owned_.get()) {}

  /// Reader `reader`: the object to use until the next call.
  [[nodiscard]] const Value& acquire(std::size_t reader) {
    const uint64_t version = version_.load(std::memory_order_acquire);
    const Value* const value = current_.load(std::memory_order_acquire);
    if (seen_[reader].version.load(std::memory_order_relaxed) != version)
      seen_[reader].version.store(version, std::memory_order_release);
    return *value;
  }

  /// Reader `reader` uses nothing any more.
  void leave(std::size_t reader) { seen_[reader].version.store(UINT64_MAX, std::memory_order_release); }

  /// Control: replaces the object, waits until every reader has passed on, and returns the old one.
  std::unique_ptr<const Value> replace(std::unique_ptr<const Value> next) {
    std::swap(owned_, next);
    current_.store(owned_.get(), std::memory_order_release);
    const uint64_t version = version_.fetch_add(1, std::memory_order_acq_rel) + 1;
    for (const Seen& reader : seen_)
      while (reader.version.load(std::memory_order_acquire) < version)
        std::this_thread::sleep_for(std::chrono::microseconds{20});
    return next;
  }

  /// Control: the object in force.
  [[nodiscard]] const Value& current() const { return *owned_; }

 private:
  struct alignas(64) Seen {
    std::atomic<uint64_t> version{0};  // reader: writes, control: reads
  };

  std::vector<Seen> seen_;
  std::unique_ptr<const Value> owned_;  // control only
  std::atomic<const Value*> current_;   // control: writes, readers: read
  std::atomic<uint64_t> version_{0};    // control: writes, readers: read
};

}  // namespace bulkhead
