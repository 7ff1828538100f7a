// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>

#include "nic/units.hpp"

namespace bulkhead {

/// Time in 2^-36 cycles. Sixty-four bits would hold a tenth of a second of it; the width costs an
/// add-with-carry, and no clock that a machine has can wrap it.
using FineTime = unsigned __int128;

inline constexpr unsigned kFineBits = 36;

[[nodiscard]] constexpr FineTime fine(uint64_t cycles) { return FineTime{cycles} << kFineBits; }

/// The first whole cycle that is not before `time`.
[[nodiscard]] constexpr uint64_t whole_cycles(FineTime time) {
  return static_cast<uint64_t>((time + (FineTime{1} << kFineBits) - 1) >> kFineBits);
}

/// How long one byte takes at a rate, rounded up to 2^-36 cycles: the rate is kept to 10^-9 at 400 Gb/s and a
/// 1 GHz clock, better everywhere else, and never exceeded.
class ByteCost {
 public:
  constexpr ByteCost() = default;
  /// Requires: rate from 1 kb/s to 400 Gb/s, hz from 10^9 to 5 * 10^9. Slower rates would not fit 64 bits and
  /// count as 1 kb/s.
  constexpr ByteCost(BitsPerSecond rate, uint64_t hz) {
    const uint64_t bits = std::max<uint64_t>(rate.count(), 1'000);
    cost_ = static_cast<uint64_t>(((FineTime{hz} * 8 << kFineBits) + bits - 1) / bits);
  }

  [[nodiscard]] constexpr FineTime time_of(Bytes bytes) const { return FineTime{cost_} * bytes.count(); }
  /// How many bytes take `time`, rounded up.
  [[nodiscard]] constexpr Bytes bytes_in(FineTime time) const {
    return Bytes{static_cast<uint64_t>((time + cost_ - 1) / cost_)};
  }

 private:
  uint64_t cost_ = 0;
};

}  // namespace bulkhead
