// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "control/config.hpp"

namespace bulkhead {

/// Where a key of this TOML text has more than so many parts, with dots between them; nothing where none has.
/// What strings and comments hold does not count (TOML 1.0). Of a text that is not TOML it is right as far as
/// a parser would read it.
[[nodiscard]] std::optional<SourcePosition> overlong_key(std::string_view text, uint32_t most_parts);

}  // namespace bulkhead
