// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "control/snapshot.hpp"

namespace bulkhead {

/// A snapshot as a table for people: a line for each slice with its rates, drops, CPU and rules, then one for
/// each port. Ends with a newline; columns are as wide as their longest entry. Rates are the snapshot's (see
/// RateMeter).
[[nodiscard]] std::string status_table(const Snapshot& snapshot);

/// The same below a line that says which configuration is in force and whether all is well.
[[nodiscard]] std::string status_text(const Snapshot& snapshot);

}  // namespace bulkhead
