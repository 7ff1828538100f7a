// SPDX-License-Identifier: Apache-2.0
#include "control/ingress_classes.hpp"

#include <algorithm>
#include <bit>

#include "control/entitlement.hpp"

namespace bulkhead {

std::size_t IngressClasses::count() const {
  uint32_t classes = 0;
  for (const uint8_t number : of_pcp) classes |= 1u << number;
  return static_cast<std::size_t>(std::popcount(classes));
}

IngressClasses ingress_classes(const SliceConfig& slice) {
  IngressClasses out;
  if (slice.classes.empty()) return out;
  std::array<uint8_t, 8> class_of{};
  uint8_t number = 0;
  for (const ClassConfig& one : classes_of(slice)) {
    for (const uint8_t pcp : one.pcps) class_of[pcp] = number;
    ++number;
  }
  for (uint8_t pcp = 0; pcp < 8; ++pcp) out.of_pcp[pcp] = class_of[std::min(pcp, slice.priority.max)];
  return out;
}

}  // namespace bulkhead
