// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "control/snapshot.hpp"

namespace bulkhead {

/// Snapshots as JSON (RFC 8259) for the endpoint's /api/v1. Names carry their units, keys keep their order,
/// and where a number is meant there is always one (a rate that is not finite is written as 0). Any thread.

/// {"taken_unix_seconds", "slices": [...]}
[[nodiscard]] std::string slices_json(const Snapshot& snapshot);

/// One element of slices_json, or nothing where no slice has that name.
[[nodiscard]] std::optional<std::string> slice_json(const Snapshot& snapshot, std::string_view name);

/// {"taken_unix_seconds", "ports": [...]}
[[nodiscard]] std::string ports_json(const Snapshot& snapshot);

/// {"taken_unix_seconds", "rules": [{"slice", "port", "hardware", "mark", "software", "where", "queue",
/// "why_not_hardware", "by_shared_queue", "testpmd": [...]}]}; what does not apply is left out
[[nodiscard]] std::string rules_json(const Snapshot& snapshot);

/// The whole snapshot in one line, as one event of /api/v1/events carries it.
[[nodiscard]] std::string snapshot_json(const Snapshot& snapshot);

/// {"error": message}
[[nodiscard]] std::string error_json(std::string_view message);

}  // namespace bulkhead
