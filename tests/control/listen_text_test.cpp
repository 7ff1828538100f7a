// SPDX-License-Identifier: Apache-2.0
#include "control/listen_text.hpp"

#include <catch2/catch.hpp>
#include <vector>

namespace bulkhead {
namespace {

/// "PATH" or "HOST PORT", or the problem without what would be right.
std::string parts_of(std::string_view text) {
  const auto parts = read_listen_text(text);
  if (!parts) return parts.error().substr(0, parts.error().find("; write"));
  return parts->path.empty() ? parts->host + " " + parts->port : parts->path;
}

TEST_CASE("what to listen on is taken apart, or refused with the reason", "[listen_text]") {
  struct Row {
    std::string text;
    std::string parts;
  };
  const std::string no_port = "has no port";
  const std::string no_host = "names no address of this machine";
  const std::string bad_port = "has a port that is not one of 0-65535";
  const std::vector<Row> rows = {
      {"127.0.0.1:9180", "127.0.0.1 9180"},
      {"[::1]:0", "::1 0"},
      {"localhost:65535", "localhost 65535"},
      {"unix:/run/bulkhead/stats.sock", "/run/bulkhead/stats.sock"},
      {"", no_port},
      {"9180", no_port},
      {"127.0.0.1", no_port},
      {":9180", no_host},
      {"::1:9", no_host},
      {"[::1]9180", no_host},
      {"[127.0.0.1]:9180", no_host},
      {"[]:1", no_host},
      {"[[::1]]:1", no_host},
      {"tcp:1.2.3.4:5", no_host},
      {"[::1]", no_host},
      {"127.0.0.1:", bad_port},
      {"127.0.0.1:http", bad_port},
      {"127.0.0.1:0x50", bad_port},
      {"127.0.0.1:65536", bad_port},
      {"127.0.0.1:-1", bad_port},
      {"127.0.0.1: 1", bad_port},
      {std::string("127.0.0.1:80\0", 13), "holds a NUL"},
      {"unix:", "is not an absolute path"},
      {"unix:stats", "is not an absolute path"},
      {"unix:/run/dir/", "names a directory, not a socket"},
      {"unix:/" + std::string(106, 'a'), "/" + std::string(106, 'a')},
      {"unix:/" + std::string(107, 'a'), "is longer than a socket's path may be"},
  };
  for (const Row& row : rows) {
    INFO(row.text);
    CHECK(parts_of(row.text) == row.parts);
  }
}

TEST_CASE("every refusal says what would be right", "[listen_text]") {
  CHECK(read_listen_text("9180").error() ==
        "has no port; write \"127.0.0.1:9180\", \"[::1]:9180\" or \"unix:/run/bulkhead/stats.sock\"");
  CHECK(read_listen_text("unix:/" + std::string(200, 'a')).error() ==
        "is longer than a socket's path may be; write at most 107 bytes behind unix:");
}

}  // namespace
}  // namespace bulkhead
