// SPDX-License-Identifier: Apache-2.0
#include "perf/isolation/residences.hpp"

#include <cmath>

namespace bulkhead::perf {

double quantile_us(const std::vector<uint64_t>& before, const std::vector<uint64_t>& after, double share) {
  double all = 0;
  for (std::size_t i = 0; i < after.size(); ++i) all += static_cast<double>(after[i] - before[i]);
  double seen = 0;
  for (std::size_t i = 0; i < after.size(); ++i) {
    const auto here = static_cast<double>(after[i] - before[i]);
    if (here > 0 && seen + here >= share * all) {
      const double low = i == 0 ? 0 : std::ldexp(1.0, static_cast<int>(i) - 1);
      const double high = std::ldexp(1.0, static_cast<int>(i));
      return low + (high - low) * (share * all - seen) / here;
    }
    seen += here;
  }
  return 0;
}

}  // namespace bulkhead::perf
