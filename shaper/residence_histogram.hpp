// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "nic/counter.hpp"
#include "nic/units.hpp"
#include "shaper/slice_rates.hpp"

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

/// How long packets of each class stayed, from the burst that brought them to the burst that took them:
/// bucket 0 up to 1 us, bucket i up to 2^i us, the last one all beyond. One writer (see Counter), any reader.
/// All classes of a bucket are one cache line, as packets that came together have the bucket in common.
class alignas(64) ResidenceHistogram {
 public:
  static constexpr std::size_t kBuckets = 24;

  /// A packet of the class stayed for as long as belongs into the bucket.
  void count(std::size_t bucket, std::size_t class_number) { buckets_[bucket][class_number].add(1); }
  /// So many packets stayed for that time, each.
  void add_time(Cycles residence, uint32_t packets) { cycles_.add(residence.count() * packets); }

  [[nodiscard]] static constexpr std::size_t bucket_of(uint64_t microseconds) {
    if (microseconds <= 1) return 0;
    const auto bucket = static_cast<std::size_t>(std::bit_width(microseconds - 1));
    return bucket < kBuckets ? bucket : kBuckets - 1;
  }

  [[nodiscard]] uint64_t packets(std::size_t bucket, std::size_t class_number) const {
    return buckets_[bucket][class_number].read();
  }
  /// The time of all packets.
  [[nodiscard]] Cycles sum() const { return Cycles{cycles_.read()}; }

 private:
  std::array<std::array<Counter, kMaxClasses>, kBuckets> buckets_;
  Counter cycles_;
};

}  // namespace bulkhead
