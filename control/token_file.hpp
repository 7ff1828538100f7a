// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "nic/error.hpp"

namespace bulkhead {

/// Reads the statistics endpoint's bearer token: one line of visible ASCII characters in a file that nobody
/// but its owner may read. The Error names the file, the cause and the remedy.
[[nodiscard]] Result<std::string> load_token(const std::string& path);

}  // namespace bulkhead
