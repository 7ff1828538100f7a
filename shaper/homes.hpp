// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace bulkhead {

/// Which worker each slice is at home with: the one whose time it shares, by its CPU budget, with the other
/// slices there. A hint and no lock: a slice that has just moved may be visited from both sides, one after
/// the other, by whoever has its claim. Any thread reads, control moves.
class Homes {
 public:
  /// All at home with worker 0.
  Homes(std::size_t slices, std::size_t workers)
      : words_(std::max<std::size_t>(1, (slices + 63) / 64)),
        workers_(workers),
        masks_(std::make_unique<std::atomic<uint64_t>[]>(words_ * workers)) {
    for (std::size_t word = 0; word < words_; ++word) mask_at(0, word).store(~uint64_t{0});
  }

  [[nodiscard]] std::size_t workers() const { return workers_; }

  /// Slices 64 * word and up: those that are at home with the worker.
  [[nodiscard]] uint64_t mask(std::size_t worker, std::size_t word) const {
    return masks_[worker * words_ + word].load(std::memory_order_relaxed);
  }
  [[nodiscard]] bool is_home(std::size_t worker, std::size_t slice) const {
    return workers_ == 1 || (mask(worker, slice / 64) >> slice % 64 & 1) != 0;
  }

  [[nodiscard]] std::size_t worker_of(std::size_t slice) const {
    std::size_t worker = 0;
    while (worker + 1 < workers_ && !is_home(worker, slice)) ++worker;
    return worker;
  }

  /// From now on the slice is at home with that worker. At no moment with none.
  void move(std::size_t slice, std::size_t worker) {
    const uint64_t bit = uint64_t{1} << slice % 64;
    mask_at(worker, slice / 64).fetch_or(bit, std::memory_order_acq_rel);
    for (std::size_t other = 0; other < workers_; ++other)
      if (other != worker) mask_at(other, slice / 64).fetch_and(~bit, std::memory_order_acq_rel);
  }

 private:
  std::atomic<uint64_t>& mask_at(std::size_t worker, std::size_t word) {
    return masks_[worker * words_ + word];
  }

  std::size_t words_;
  std::size_t workers_;
  std::unique_ptr<std::atomic<uint64_t>[]> masks_;  // by worker and word
};

}  // namespace bulkhead
