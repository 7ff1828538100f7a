// SPDX-License-Identifier: Apache-2.0
#include "control/listen_text.hpp"

#include <sys/un.h>

#include <charconv>
#include <cstdint>
#include <optional>

namespace bulkhead {
namespace {

constexpr std::size_t kLongestPath = sizeof(sockaddr_un::sun_path) - 1;  // its terminator takes one

std::unexpected<std::string> wrong(const std::string& problem) {
  return std::unexpected(problem +
                         "; write \"127.0.0.1:9180\", \"[::1]:9180\" or \"unix:/run/bulkhead/stats.sock\"");
}

std::expected<ListenText, std::string> read_path(std::string_view path) {
  if (!path.starts_with('/')) return wrong("is not an absolute path");
  if (path.ends_with('/')) return wrong("names a directory, not a socket");
  if (path.size() > kLongestPath)
    return std::unexpected("is longer than a socket's path may be; write at most " +
                           std::to_string(kLongestPath) + " bytes behind unix:");
  return ListenText{.path = std::string(path), .host = {}, .port = {}};
}

/// Without its brackets. A bare IPv6 address is refused: which of its colons starts the port?
std::optional<std::string_view> read_host(std::string_view host) {
  const bool bracketed = host.starts_with('[') && host.ends_with(']');
  if (bracketed) host = host.substr(1, host.size() - 2);
  const bool has_colon = host.find(':') != std::string_view::npos;
  if (host.empty() || has_colon != bracketed || host.find_first_of("[]") != std::string_view::npos)
    return std::nullopt;
  return host;
}

}  // namespace

std::expected<ListenText, std::string> read_listen_text(std::string_view text) {
  if (text.find('\0') != std::string_view::npos) return wrong("holds a NUL");
  if (text.starts_with("unix:")) return read_path(text.substr(5));
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return wrong("has no port");
  const auto host = read_host(text.substr(0, colon));
  if (!host) return wrong("names no address of this machine");
  const std::string_view port = text.substr(colon + 1);
  uint16_t number = 0;
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), number);
  if (error != std::errc{} || end != port.data() + port.size())
    return wrong("has a port that is not one of 0-65535");
  return ListenText{.path = {}, .host = std::string(*host), .port = std::string(port)};
}

}  // namespace bulkhead
