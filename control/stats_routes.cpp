// SPDX-License-Identifier: Apache-2.0
#include "control/stats_routes.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include "control/metrics.hpp"
#include "control/snapshot_json.hpp"

namespace bulkhead {
namespace {

constexpr std::string_view kSlicePrefix = "/api/v1/slices/";
constexpr const char* kNoSnapshot = "the appliance has not taken a snapshot yet";

StatsReply text_reply(std::string body) {
  return {200, "text/plain; charset=utf-8", std::move(body), {}, false};
}

StatsReply json_reply(std::string body) { return {200, "application/json", std::move(body), {}, false}; }

StatsReply metrics(const StatsRequest& request, const Snapshot& snapshot) {
  const MetricsFormat format = negotiate_metrics(request.accept);
  return {200,
          std::string(metrics_content_type(format)),
          metrics_text(snapshot, format),
          {{"Vary", "Accept"}},
          false};
}

StatsReply readiness(const Snapshot* snapshot) {
  if (snapshot == nullptr) return error_reply(503, kNoSnapshot);
  if (!snapshot->ready) return error_reply(503, snapshot->not_ready_because);
  return text_reply("ok\n");
}

bool exists(std::string_view path) {
  constexpr std::array<std::string_view, 7> kPaths = {"/metrics",      "/api/v1/slices", "/api/v1/ports",
                                                      "/api/v1/rules", "/api/v1/events", "/healthz",
                                                      "/readyz"};
  return std::ranges::find(kPaths, path) != kPaths.end() || path.starts_with(kSlicePrefix);
}

StatsReply from_snapshot(const StatsRequest& request, const Snapshot& snapshot) {
  const std::string_view path = request.path;
  if (path == "/metrics") return metrics(request, snapshot);
  if (path == "/api/v1/slices") return json_reply(slices_json(snapshot));
  if (path == "/api/v1/ports") return json_reply(ports_json(snapshot));
  if (path == "/api/v1/rules") return json_reply(rules_json(snapshot));
  const std::string_view name = path.substr(kSlicePrefix.size());
  if (auto slice = slice_json(snapshot, name)) return json_reply(std::move(*slice));
  return error_reply(404, "there is no slice \"" + std::string(name) + "\"");
}

}  // namespace

StatsReply error_reply(int status, const std::string& message) {
  return {status, "application/json", error_json(message), {}, false};
}

bool bears_token(const std::string& authorization, const std::string& token) {
  constexpr std::string_view kScheme = "bearer ";
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  const std::string_view scheme = std::string_view(authorization).substr(0, kScheme.size());
  if (token.empty() || !std::ranges::equal(scheme, kScheme, {}, lower)) return false;
  const std::string_view given = std::string_view(authorization).substr(kScheme.size());
  std::size_t difference = given.size() ^ token.size();
  for (std::size_t i = 0; i < given.size(); ++i) {
    difference |= static_cast<std::size_t>(static_cast<unsigned char>(given[i]) ^
                                           static_cast<unsigned char>(token[i % token.size()]));
  }
  return difference == 0;
}

StatsReply answer(const StatsRequest& request, const LatestSnapshot& latest,
                  const std::optional<std::string>& token) {
  if (token && !bears_token(request.authorization, *token)) {
    StatsReply reply =
        error_reply(401, "this endpoint wants `Authorization: Bearer` with the operator's token");
    reply.headers.emplace_back("WWW-Authenticate", "Bearer realm=\"bulkhead\"");
    return reply;
  }
  if (!exists(request.path)) return error_reply(404, "there is nothing at this path");
  if (!request.reads) {
    StatsReply reply = error_reply(405, "this endpoint is read-only: use GET or HEAD");
    reply.headers.emplace_back("Allow", "GET, HEAD");
    return reply;
  }
  if (request.path == "/healthz") return text_reply("ok\n");
  if (request.path == "/api/v1/events") return {200, "text/event-stream", {}, {}, true};
  const std::shared_ptr<const Snapshot> snapshot = latest();
  if (request.path == "/readyz") return readiness(snapshot.get());
  if (snapshot == nullptr) return error_reply(503, kNoSnapshot);
  return from_snapshot(request, *snapshot);
}

}  // namespace bulkhead
