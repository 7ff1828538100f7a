// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "control/snapshot.hpp"

namespace bulkhead {

/// Gives the newest snapshot, or nullptr before the first. Called from any of the endpoint's threads.
using LatestSnapshot = std::function<std::shared_ptr<const Snapshot>()>;

/// What the statistics endpoint is asked, as far as its answer depends on it.
struct StatsRequest {
  bool reads = true;  // GET or HEAD
  std::string path;   // decoded, without query
  std::string accept;
  std::string authorization;
};

/// What it answers.
struct StatsReply {
  int status = 200;
  std::string content_type;
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;
  bool events = false;  // instead of `body`, a stream of snapshots follows
};

/// The endpoint's answer to any request, by the contract. Pure but for `latest`.
[[nodiscard]] StatsReply answer(const StatsRequest& request, const LatestSnapshot& latest,
                                const std::optional<std::string>& token);

/// An answer that tells of a failure: {"error": message}.
[[nodiscard]] StatsReply error_reply(int status, const std::string& message);

/// Whether a request's Authorization carries the bearer token (RFC 6750, 2.1). Takes as long for a wrong
/// token as for the right one, whatever their first difference.
[[nodiscard]] bool bears_token(const std::string& authorization, const std::string& token);

}  // namespace bulkhead
