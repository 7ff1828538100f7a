// SPDX-License-Identifier: Apache-2.0
#include "control/toml_keys.hpp"

#include <algorithm>

namespace bulkhead {
namespace {

/// Where the string ends that begins at `at`: of either kind, on one line or on several.
std::size_t end_of_string(std::string_view text, std::size_t at) {
  const char quote = text[at];
  const bool has_escapes = quote == '"';
  const std::string_view three = text.substr(at, 3);
  const bool is_long = three.size() == 3 && three[1] == quote && three[2] == quote;
  at += is_long ? 3 : 1;
  for (; at < text.size(); ++at) {
    if (has_escapes && text[at] == '\\') {
      ++at;
    } else if (!is_long && (text[at] == quote || text[at] == '\n')) {
      return at + 1;
    } else if (is_long && text.substr(at, 3) == three) {
      at += 3;
      // Up to two quotes before the closing ones are the string's own.
      for (int own = 0; own < 2 && at < text.size() && text[at] == quote; ++own) ++at;
      return at;
    }
  }
  return text.size();
}

SourcePosition position_at(std::string_view text, std::size_t at) {
  const std::string_view before = text.substr(0, at);
  const auto line = static_cast<uint32_t>(std::ranges::count(before, '\n')) + 1;
  const std::size_t line_start = before.rfind('\n') + 1;  // 0 where there is none
  return {line, static_cast<uint32_t>(at - line_start) + 1};
}

}  // namespace

std::optional<SourcePosition> overlong_key(std::string_view text, uint32_t most_parts) {
  constexpr std::string_view kEndsKey = "\n=,{[";
  uint32_t dots = 0;
  for (std::size_t at = 0; at < text.size();) {
    const char c = text[at];
    if (c == '"' || c == '\'') {
      at = end_of_string(text, at);
      continue;
    }
    if (c == '#') {
      at = std::min(text.find('\n', at), text.size());
      continue;
    }
    if (c == '.' && ++dots >= most_parts) return position_at(text, at);
    if (kEndsKey.contains(c)) dots = 0;
    ++at;
  }
  return std::nullopt;
}

}  // namespace bulkhead
