// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>

#include "classifier/slice_table.hpp"
#include "control/config.hpp"

namespace bulkhead {

/// What finding a frame's slice may cost at most. Who sends the frame chooses the cost within that, and all
/// slices that share the worker bear it.
struct LookupCost {
  std::size_t entries = 0;  // compared with one frame; 0: its tag alone decides
  std::string warning;      // where they are many: where, whose, and what helps; else empty
};

/// Requires: a configuration that was proved.
[[nodiscard]] LookupCost lookup_cost(const Config& config);
/// The same, of the table made of it.
[[nodiscard]] LookupCost lookup_cost(const Config& config, const SliceTable& table);

}  // namespace bulkhead
