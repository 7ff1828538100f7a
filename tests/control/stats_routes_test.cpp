// SPDX-License-Identifier: Apache-2.0
#include "control/stats_routes.hpp"

#include <catch2/catch.hpp>
#include <map>

#include "tests/control/sample_snapshot.hpp"

using namespace bulkhead;

namespace {

LatestSnapshot always(const Snapshot& snapshot) {
  return [shared = std::make_shared<const Snapshot>(snapshot)] { return shared; };
}

StatsReply get(const std::string& path, const LatestSnapshot& latest = always(sample_snapshot())) {
  return answer({.reads = true, .path = path, .accept = {}, .authorization = {}}, latest, std::nullopt);
}

std::string header(const StatsReply& reply, const std::string& name) {
  return std::map<std::string, std::string>(reply.headers.begin(), reply.headers.end())[name];
}

}  // namespace

TEST_CASE("Each path of the contract has its answer and its type") {
  struct Row {
    std::string path;
    std::string content_type;
    std::string part;
  };
  const std::vector<Row> rows = {
      {"/metrics", "text/plain; version=0.0.4; charset=utf-8", "# TYPE bulkhead_build_info gauge\n"},
      {"/api/v1/slices", "application/json", "\"slices\":[{\"name\":\"lab-a\""},
      {"/api/v1/slices/voice", "application/json", "{\"name\":\"voice\""},
      {"/api/v1/ports", "application/json", "\"ports\":[{\"name\":\"uplink\""},
      {"/api/v1/rules", "application/json",
       "\"rules\":[{\"slice\":\"lab-a\",\"port\":\"uplink\",\"hardware\":1"},
      {"/healthz", "text/plain; charset=utf-8", "ok\n"},
      {"/readyz", "text/plain; charset=utf-8", "ok\n"},
  };
  for (const auto& row : rows) {
    INFO(row.path);
    const StatsReply reply = get(row.path);
    CHECK(reply.status == 200);
    CHECK(reply.content_type == row.content_type);
    CHECK(reply.body.find(row.part) != std::string::npos);
    CHECK_FALSE(reply.events);
  }
  CHECK(get("/api/v1/events").events);
  CHECK(get("/api/v1/events").content_type == "text/event-stream");
}

TEST_CASE("Metrics follow the Accept header") {
  const StatsReply reply = answer({.reads = true,
                                   .path = "/metrics",
                                   .accept = "application/openmetrics-text;version=1.0.0",
                                   .authorization = {}},
                                  always(sample_snapshot()), std::nullopt);
  CHECK(reply.content_type == "application/openmetrics-text; version=1.0.0; charset=utf-8");
  CHECK(reply.body.ends_with("# EOF\n"));
  CHECK(header(reply, "Vary") == "Accept");
}

TEST_CASE("Anything else is not found") {
  for (const std::string path :
       {"/", "", "*", "/metrics/", "/Metrics", "/api/v1", "/api/v1/slices/", "/api/v2/slices",
        "/api/v1/slices/lab-a/", "/api/v1/slices/nobody", "/../etc/passwd", "//metrics"}) {
    INFO(path);
    CHECK(get(path).status == 404);
    CHECK(get(path).content_type == "application/json");
    CHECK(get(path).body.starts_with("{\"error\":\""));
  }
  CHECK(get("/api/v1/slices/nobody").body == R"({"error":"there is no slice \"nobody\""})");
}

TEST_CASE("Another method is not allowed, where there is something") {
  for (const std::string path : {"/metrics", "/api/v1/slices/lab-a", "/healthz", "/api/v1/events"}) {
    INFO(path);
    const StatsReply reply = answer({.reads = false, .path = path, .accept = {}, .authorization = {}},
                                    always(sample_snapshot()), std::nullopt);
    CHECK(reply.status == 405);
    CHECK(header(reply, "Allow") == "GET, HEAD");
    CHECK(reply.body.starts_with("{\"error\":\""));
    CHECK_FALSE(reply.events);
  }
  CHECK(answer({.reads = false, .path = "/nowhere", .accept = {}, .authorization = {}},
               always(sample_snapshot()), std::nullopt)
            .status == 404);
}

TEST_CASE("Not ready says why; before the first snapshot only the process is well") {
  Snapshot snapshot = sample_snapshot();
  snapshot.ready = false;
  snapshot.not_ready_because = "port uplink has no link";
  CHECK(get("/readyz", always(snapshot)).status == 503);
  CHECK(get("/readyz", always(snapshot)).body == R"({"error":"port uplink has no link"})");
  CHECK(get("/metrics", always(snapshot)).status == 200);

  const LatestSnapshot none = [] { return std::shared_ptr<const Snapshot>(); };
  CHECK(get("/healthz", none).status == 200);
  CHECK(get("/readyz", none).status == 503);
  CHECK(get("/metrics", none).status == 503);
  CHECK(get("/api/v1/slices/x", none).status == 503);
}

TEST_CASE("Without the token nothing is told, not even what exists") {
  const std::optional<std::string> token = "s3cret";
  for (const std::string path : {"/metrics", "/healthz", "/nowhere", "/api/v1/events"}) {
    for (const std::string given :
         {"", "Bearer", "Bearer ", "Bearer s3cre", "Bearer s3crets", "Bearer S3cret", "Bearer s3crets3cret",
          "Basic s3cret", "s3cret", "Bearer  s3cret"}) {
      INFO(path << " with " << given);
      const StatsReply reply =
          answer({.reads = path != "/nowhere", .path = path, .accept = {}, .authorization = given},
                 always(sample_snapshot()), token);
      CHECK(reply.status == 401);
      CHECK(header(reply, "WWW-Authenticate") == "Bearer realm=\"bulkhead\"");
      CHECK_FALSE(reply.events);
    }
  }
  for (const std::string given : {"Bearer s3cret", "bearer s3cret", "BEARER s3cret"}) {
    CHECK(answer({.reads = true, .path = "/healthz", .accept = {}, .authorization = given},
                 always(sample_snapshot()), token)
              .status == 200);
  }
  CHECK_FALSE(bears_token("Bearer ", ""));
}
