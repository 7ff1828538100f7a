// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "nic/counter.hpp"
#include "nic/units.hpp"

namespace bulkhead {

/// Turns cycles into whole microseconds, rounded up, with one multiplication.
class MicrosecondScale {
 public:
  /// `hz`: cycles a second, at least one million.
  explicit constexpr MicrosecondScale(uint64_t hz)
      : multiplier_((uint64_t{1'000'000} << kShift) / hz), longest_(UINT64_MAX / (multiplier_ + 1)) {}

  [[nodiscard]] constexpr uint64_t ceil(Cycles time) const {
    const uint64_t cycles = time.count() < longest_ ? time.count() : longest_ - 1;
    return (cycles * multiplier_ + (uint64_t{1} << kShift) - 1) >> kShift;
  }

 private:
  static constexpr unsigned kShift = 24;  // 2^24 us is 16 s: the error stays far under a bucket's width
  uint64_t multiplier_;
  uint64_t longest_;
};

/// How long packets stayed, from the burst that brought them to the burst that took them: bucket 0 up to 1
/// us, bucket i up to 2^i us, the last one all beyond. One writer (see Counter), any reader.
class alignas(64) ResidenceHistogram {
 public:
  static constexpr std::size_t kBuckets = 24;

  /// `packets` stayed that long, which belongs into `bucket`: those of one burst have both in common.
  void record(std::size_t bucket, Cycles residence, uint32_t packets) {
    buckets_[bucket].add(packets);
    cycles_.add(residence.count() * packets);
  }

  [[nodiscard]] static constexpr std::size_t bucket_of(uint64_t microseconds) {
    if (microseconds <= 1) return 0;
    const auto bucket = static_cast<std::size_t>(std::bit_width(microseconds - 1));
    return bucket < kBuckets ? bucket : kBuckets - 1;
  }

  [[nodiscard]] uint64_t packets(std::size_t bucket) const { return buckets_[bucket].read(); }
  [[nodiscard]] Cycles sum() const { return Cycles{cycles_.read()}; }

 private:
  Counter cycles_;
  std::array<Counter, kBuckets> buckets_;
};

}  // namespace bulkhead
