// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace bulkhead::test {

/// How often any thread of the program has called operator new, of whatever form, up to now.
[[nodiscard]] uint64_t allocations();

}  // namespace bulkhead::test
