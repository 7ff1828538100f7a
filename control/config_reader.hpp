// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "control/config_faults.hpp"
#include "control/config_units.hpp"
#include "control/toml_document.hpp"

namespace bulkhead {

/// Typed access to one table of the file. Every key asked for counts as known; what is of another type or out
/// of range becomes a fault and reads as absent, so that readers go on with the default and find the next
/// fault. Ends with refuse_unknown(). Borrows the table and the list of faults.
class TableReader {
 public:
  /// `name` as messages call the table: "[slice.cpu]".
  TableReader(const TomlNode& table, std::string_view name, FaultList& faults);

  [[nodiscard]] SourcePosition at() const { return at_; }
  [[nodiscard]] const TomlNode::Table& members() const { return *members_; }

  /// Null where the key is absent.
  const TomlMember* find(std::string_view key);
  /// A fault where the key is absent.
  const TomlMember* require(std::string_view key, std::string_view example);

  std::optional<int64_t> integer(std::string_view key, int64_t least, int64_t most);
  std::optional<bool> boolean(std::string_view key);
  /// `example` says what a value looks like: the key and value as they would be written.
  std::optional<std::string> string(std::string_view key, std::string_view example);
  /// Which of `words` the key holds.
  std::optional<std::size_t> word(std::string_view key, const std::vector<std::string_view>& words);
  /// A string that `parse` reads, such as a quantity with its unit.
  template <class Parse>
  auto parsed(std::string_view key, std::string_view example, Parse parse)
      -> std::optional<typename decltype(parse(std::string_view{}))::value_type> {
    const TomlMember* member = find(key);
    if (member == nullptr) return {};
    const auto* text = member->value.as<std::string>();
    if (text == nullptr) return fault(*member, not_text(member->value, example)), std::nullopt;
    auto value = parse(*text);
    if (!value) return fault(*member, in_quotes(*text) + " " + value.error()), std::nullopt;
    return *std::move(value);
  }

  /// `[section.key]`; null where absent.
  const TomlNode* table(std::string_view key, std::string_view section);
  /// The elements of `[[section.key]]`, all of them tables; empty where absent.
  std::span<const TomlNode> tables(std::string_view key, std::string_view section);

  /// Whether the key is absent or an empty list.
  [[nodiscard]] bool is_empty(std::string_view key);

  /// Adds "KEY PROBLEM" as a fault at the key's value.
  void fault(const TomlMember& member, const std::string& problem);
  void fault_at(SourcePosition at, std::string message) { faults_->add(at, std::move(message)); }
  /// Adds "KEY PROBLEM" where the key stands; the key has been found before.
  void fault_at_key(std::string_view key, const std::string& problem);
  [[nodiscard]] FaultList& faults() { return *faults_; }

  /// A fault for every key that nobody asked for.
  void refuse_unknown();

 private:
  static std::string not_text(const TomlNode& value, std::string_view example);

  const TomlNode::Table* members_;
  SourcePosition at_;
  std::string name_;
  FaultList* faults_;
  std::vector<std::string_view> known_;
};

/// `[a-z0-9_-]{1,32}` from the required key `name`. Empty, with a fault, where it is not.
[[nodiscard]] std::string read_name(TableReader& table, std::string_view example);

/// Numbers up to `most` as `5`, `[5, 6]` or `"5-6,7"`, ascending. Empty, with a fault, where it is not.
[[nodiscard]] std::vector<uint32_t> read_number_list(TableReader& table, const TomlMember& member,
                                                     uint32_t most);

}  // namespace bulkhead
