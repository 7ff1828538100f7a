// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <expected>
#include <string>
#include <string_view>

namespace bulkhead {

/// Where to listen, as text: "host:port", "[v6]:port" or "unix:/path". The one grammar that the configuration
/// is read by and that the endpoint opens its socket by.
struct ListenText {
  std::string path;  // of a unix socket; empty for TCP
  std::string host;  // without brackets; for TCP
  std::string port;  // 0-65535, decimal; for TCP
};

/// The parts, or what is wrong and what would be right: "has no port; write ...". Looks nothing up.
[[nodiscard]] std::expected<ListenText, std::string> read_listen_text(std::string_view text);

}  // namespace bulkhead
