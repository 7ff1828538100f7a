// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "nic/units.hpp"

namespace bulkhead {

/// Most classes of a slice at a port: one for each PCP.
inline constexpr std::size_t kMaxClasses = 8;

/// The share of what guarantees leave over: 1 to kMaxWeight.
inline constexpr uint32_t kMaxWeight = 10'000;

/// What a slice, or a class of a slice, may send at a port. Rates and bursts count frames on the wire.
struct Rates {
  BitsPerSecond guarantee;  // zero: none
  BitsPerSecond ceiling;    // zero, or the port's speed and up: none but the port's
  uint32_t weight = 100;
  Bytes burst;  // of the ceiling; at least one largest frame, and raised to that

  bool operator==(const Rates&) const = default;
};

struct ClassRates {
  bool strict =
      true;  // before the slice's other classes, in the order written; then guarantee and weight are unused
  Rates rates;

  bool operator==(const ClassRates&) const = default;
};

/// A slice at one port.
struct SliceRates {
  Rates rates;
  std::size_t class_count = kMaxClasses;
  std::array<ClassRates, kMaxClasses> classes;  // the first class_count, in the order written

  bool operator==(const SliceRates&) const = default;
};

}  // namespace bulkhead
