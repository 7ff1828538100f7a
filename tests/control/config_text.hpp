// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <catch2/catch.hpp>
#include <string>
#include <string_view>

#include "control/config.hpp"

namespace bulkhead {

/// Two ports on the first seven lines.
inline constexpr std::string_view kTwoPorts = R"([[port]]
name = "uplink"
device = "net_null0"
speed = "10Gbps"
[[port]]
name = "office"
device = "net_null1"
)";

/// The same and a slice up to line 11; what follows is its flowspace's.
inline const std::string kOneSlice = std::string(kTwoPorts) + R"([[slice]]
name = "lab"
[[slice.flowspace]]
port = "uplink"
)";

/// A text that is wrong, and what is said of it.
struct Refusal {
  const char* description;
  const char* text;
  const char* faults;
};

/// The configuration; fails the test where it is refused.
inline Config accepted(std::string_view text) {
  auto config = parse_config(text, "lab.toml");
  if (!config) FAIL(config.error().to_string());
  return *std::move(config);
}

/// What is wrong with the text, one fault a line; empty where it is accepted.
inline std::string faults_of(std::string_view text) {
  const auto config = parse_config(text, "lab.toml");
  return config ? "" : config.error().to_string();
}

/// Checks rows of refusals behind a text that is right.
template <std::size_t N>
void check_refusals(std::string_view before, const Refusal (&rows)[N]) {
  for (const Refusal& row : rows) {
    INFO(row.description);
    CHECK(faults_of(std::string(before) + row.text) == std::string(row.faults) + "\n");
  }
}

}  // namespace bulkhead
