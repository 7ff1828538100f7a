// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>

#include "control/config.hpp"

namespace bulkhead {

/// Which of a slice's classes frames are of when they come, by the PCP in their tag. Class 0 is the highest:
/// served before the others where it is strict.
struct IngressClasses {
  std::array<uint8_t, 8> of_pcp{};

  /// How many classes frames can be of.
  [[nodiscard]] std::size_t count() const;
  bool operator==(const IngressClasses&) const = default;
};

/// A slice without [[slice.class]] is of one class here: it has not asked for more queues. PCPs above the
/// slice's highest are of the class that they are rewritten for.
[[nodiscard]] IngressClasses ingress_classes(const SliceConfig& slice);

}  // namespace bulkhead
