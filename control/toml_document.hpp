// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "control/config.hpp"

namespace bulkhead {

struct TomlMember;

/// One value of a TOML document and where it stands. A plain tree of our own, so that the TOML library stays
/// in one file and the readers see values, positions and nothing else.
struct TomlNode {
  using Array = std::vector<TomlNode>;
  using Table = std::vector<TomlMember>;
  struct DateOrTime {};  // no key of the configuration takes one

  SourcePosition at;
  std::variant<DateOrTime, bool, int64_t, double, std::string, Array, Table> value;

  /// The value where it is a T, else null.
  template <class T>
  [[nodiscard]] const T* as() const {
    return std::get_if<T>(&value);
  }
  /// "a string", "a number", ...: for messages.
  [[nodiscard]] std::string_view kind() const;
};

/// A key and its value.
struct TomlMember {
  std::string key;
  SourcePosition key_at;
  TomlNode value;
};

/// Reads a TOML document (v1.0) to its root table. Any bytes are answered with a tree or with the first
/// syntax error; never throws.
[[nodiscard]] std::expected<TomlNode, ConfigFault> parse_toml(std::string_view text);

}  // namespace bulkhead
