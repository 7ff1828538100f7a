// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>

namespace bulkhead {

/// A slice's part of the CPU: percent of one core, weight and cap, as in Xen, in hundredths of a percent.
struct CpuShare {
  static constexpr uint32_t kWholeCore = 10'000;
  static constexpr uint32_t kMostWeight = 65'535;
  uint32_t reserve = 0;         // always there when the slice has work
  uint32_t weight = 256;        // share of what the reserves in use leave over; 1 to kMostWeight
  std::optional<uint32_t> cap;  // never more, also on an idle box

  /// A cap of a core or more is none: a slice runs on one core at a time.
  [[nodiscard]] bool is_capped() const { return cap && *cap < kWholeCore; }

  bool operator==(const CpuShare&) const = default;
};

}  // namespace bulkhead
