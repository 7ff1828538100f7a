// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "control/snapshot.hpp"

namespace bulkhead {

/// How each slice's packets come at each port, for people: in hardware, marked or in software, by which
/// queue, why not in hardware, and the rules as testpmd reads them. Ends with a newline.
[[nodiscard]] std::string rules_text(const Snapshot& snapshot);

}  // namespace bulkhead
