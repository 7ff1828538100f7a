// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <vector>

namespace bulkhead {

/// Delays in nanoseconds: smallest, largest and mean exactly, quantiles to within a sixteenth, in a space
/// that does not grow with the time of a test (sixteen buckets for each power of two). One thread.
class DelayHistogram {
 public:
  void record(uint64_t delay) {
    ++buckets_[bucket_of(delay)];
    least_ = count_ == 0 ? delay : std::min(least_, delay);
    most_ = std::max(most_, delay);
    sum_ += delay;
    ++count_;
  }

  [[nodiscard]] uint64_t least() const { return least_; }
  [[nodiscard]] uint64_t most() const { return most_; }
  [[nodiscard]] uint64_t mean() const { return count_ == 0 ? 0 : sum_ / count_; }

  /// At least `share` (0 to 1) of the delays are no longer than this.
  [[nodiscard]] uint64_t quantile(double share) const {
    const auto wanted = static_cast<uint64_t>(share * static_cast<double>(count_));
    uint64_t seen = 0;
    for (std::size_t bucket = 0; bucket < buckets_.size(); ++bucket) {
      seen += buckets_[bucket];
      if (seen >= wanted && seen > 0) return std::clamp(last_of(bucket), least_, most_);
    }
    return most_;
  }

 private:
  static constexpr unsigned kFineBits = 4;

  static std::size_t bucket_of(uint64_t delay) {
    if (delay < 1u << kFineBits) return delay;
    const auto shift = static_cast<unsigned>(std::bit_width(delay)) - 1 - kFineBits;
    return (std::size_t{shift} << kFineBits) + (delay >> shift);
  }
  static uint64_t last_of(std::size_t bucket) {
    if (bucket < 2u << kFineBits) return bucket;
    const std::size_t shift = (bucket >> kFineBits) - 1;
    return (((bucket & ((1u << kFineBits) - 1)) + (1u << kFineBits) + 1) << shift) - 1;
  }

  std::vector<uint64_t> buckets_ = std::vector<uint64_t>((64 - kFineBits + 1) << kFineBits);
  uint64_t count_ = 0;
  uint64_t sum_ = 0;
  uint64_t least_ = 0;
  uint64_t most_ = 0;
};

}  // namespace bulkhead
