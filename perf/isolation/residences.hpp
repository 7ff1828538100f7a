// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

namespace bulkhead::perf {

/// The residence in microseconds that such a share of the packets between two readings of a histogram did not
/// exceed; evenly spread within a bucket (Snapshot::Slice::residence_buckets). 0 where there were none.
[[nodiscard]] double quantile_us(const std::vector<uint64_t>& before, const std::vector<uint64_t>& after,
                                 double share);

}  // namespace bulkhead::perf
