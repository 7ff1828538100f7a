// SPDX-License-Identifier: Apache-2.0
#include "control/config_reader.hpp"

#include <algorithm>

namespace bulkhead {
namespace {

const TomlNode::Table kNoMembers;

bool is_name(std::string_view text) {
  constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyz0123456789_-";
  return !text.empty() && text.size() <= 32 && text.find_first_not_of(kLetters) == text.npos;
}

std::string among(int64_t least, int64_t most) {
  return "write a whole number of " + std::to_string(least) + " to " + std::to_string(most);
}

/// [5, 6] as "5,6"; nothing where an element is not a number.
std::optional<std::string> joined_numbers(const TomlNode::Array& array) {
  std::string out;
  for (const TomlNode& element : array) {
    const auto* number = element.as<int64_t>();
    if (number == nullptr) return {};
    out += (out.empty() ? "" : ",") + std::to_string(*number);
  }
  return out;
}

}  // namespace

TableReader::TableReader(const TomlNode& table, std::string_view name, FaultList& faults)
    : members_(table.as<TomlNode::Table>()), at_(table.at), name_(name), faults_(&faults) {
  if (members_ == nullptr) members_ = &kNoMembers;
}

const TomlMember* TableReader::find(std::string_view key) {
  if (std::ranges::find(known_, key) == known_.end()) known_.push_back(key);
  const auto found = std::ranges::find(*members_, key, &TomlMember::key);
  return found == members_->end() ? nullptr : &*found;
}

const TomlMember* TableReader::require(std::string_view key, std::string_view example) {
  const TomlMember* member = find(key);
  if (member == nullptr)
    faults_->add(at_, name_ + " has no " + std::string(key) + "; write " + std::string(example));
  return member;
}

std::optional<int64_t> TableReader::integer(std::string_view key, int64_t least, int64_t most) {
  const TomlMember* member = find(key);
  if (member == nullptr) return {};
  const auto* value = member->value.as<int64_t>();
  if (value == nullptr) {
    fault(*member, "is " + std::string(member->value.kind()) + "; " + among(least, most));
    return {};
  }
  if (*value < least || *value > most) {
    fault(*member, std::to_string(*value) + " is out of range; " + among(least, most));
    return {};
  }
  return *value;
}

std::optional<bool> TableReader::boolean(std::string_view key) {
  const TomlMember* member = find(key);
  if (member == nullptr) return {};
  const auto* value = member->value.as<bool>();
  if (value != nullptr) return *value;
  fault(*member, "is " + std::string(member->value.kind()) + "; write true or false");
  return {};
}

std::optional<std::string> TableReader::string(std::string_view key, std::string_view example) {
  return parsed(key, example, [](std::string_view text) -> Parsed<std::string> {
    if (text.empty()) return std::unexpected("is empty; write what it names or leave the key out");
    return std::string(text);
  });
}

std::optional<std::size_t> TableReader::word(std::string_view key,
                                             const std::vector<std::string_view>& words) {
  const std::string example = std::string(key) + " = \"" + std::string(words[0]) + "\"";
  return parsed(key, example, [&words](std::string_view text) -> Parsed<std::size_t> {
    const auto found = std::ranges::find(words, text);
    if (found != words.end()) return static_cast<std::size_t>(found - words.begin());
    return std::unexpected("is not known; write " + list_words(words, "or"));
  });
}

const TomlNode* TableReader::table(std::string_view key, std::string_view section) {
  const TomlMember* member = find(key);
  if (member == nullptr) return nullptr;
  if (member->value.as<TomlNode::Table>() != nullptr) return &member->value;
  const auto* array = member->value.as<TomlNode::Array>();
  const bool repeated =
      array != nullptr && !array->empty() && array->front().as<TomlNode::Table>() != nullptr;
  faults_->add(repeated ? array->front().at : member->key_at,
               std::string(section) + (repeated ? " is given with double brackets" : " is not a table") +
                   "; write [" + std::string(section) + "], once");
  return nullptr;
}

std::span<const TomlNode> TableReader::tables(std::string_view key, std::string_view section) {
  const TomlMember* member = find(key);
  if (member == nullptr) return {};
  const auto* array = member->value.as<TomlNode::Array>();
  const auto is_table = [](const TomlNode& node) { return node.as<TomlNode::Table>() != nullptr; };
  if (array != nullptr && std::ranges::all_of(*array, is_table)) return *array;
  faults_->add(
      member->value.as<TomlNode::Table>() != nullptr ? member->value.at : member->key_at,
      std::string(section) + " is not a list of tables; write [[" + std::string(section) + "]] above each");
  return {};
}

bool TableReader::is_empty(std::string_view key) {
  const TomlMember* member = find(key);
  if (member == nullptr) return true;
  const auto* array = member->value.as<TomlNode::Array>();
  return array != nullptr && array->empty();
}

void TableReader::fault(const TomlMember& member, const std::string& problem) {
  faults_->add(member.value.at, member.key + " " + problem);
}

void TableReader::fault_at_key(std::string_view key, const std::string& problem) {
  const TomlMember* member = find(key);
  faults_->add(member != nullptr ? member->key_at : at_, std::string(key) + " " + problem);
}

void TableReader::refuse_unknown() {
  for (const TomlMember& member : *members_)
    if (std::ranges::find(known_, member.key) == known_.end())
      faults_->add(member.key_at,
                   "unknown key " + in_quotes(member.key) + " in " + name_ + suggestion(member.key, known_));
}

std::string TableReader::not_text(const TomlNode& value, std::string_view example) {
  const bool number = value.as<int64_t>() != nullptr || value.as<double>() != nullptr;
  return "is " + (number ? "a number without unit or quotes" : std::string(value.kind())) +
         "; write a string: " + std::string(example);
}

std::string read_name(TableReader& table, std::string_view example) {
  if (table.require("name", example) == nullptr) return {};
  const auto name = table.parsed("name", example, [](std::string_view text) -> Parsed<std::string> {
    if (is_name(text)) return std::string(text);
    return std::unexpected("is not a name; write 1 to 32 of a-z, 0-9, _ and -");
  });
  return name.value_or("");
}

std::vector<uint32_t> read_number_list(TableReader& table, const TomlMember& member, uint32_t most) {
  const std::string last = std::to_string(most);
  const std::string right =
      "write a number of 0-" + last + ", a list of them, or a range such as \"0-" + last + "\"";
  std::string text;
  if (const auto* number = member.value.as<int64_t>()) {
    text = std::to_string(*number);
  } else if (const auto* written = member.value.as<std::string>()) {
    text = *written;
  } else if (const auto* array = member.value.as<TomlNode::Array>()) {
    const auto listed = joined_numbers(*array);
    if (!listed) return table.fault(member, "holds more than numbers; " + right), std::vector<uint32_t>{};
    if (listed->empty()) return table.fault(member, "is an empty list; " + right), std::vector<uint32_t>{};
    text = *listed;
  } else {
    table.fault(member, "is " + std::string(member.value.kind()) + "; " + right);
    return {};
  }
  auto numbers = parse_number_list(text, most);
  if (numbers) return *std::move(numbers);
  table.fault(member,
              (member.value.as<std::string>() != nullptr ? in_quotes(text) : text) + " " + numbers.error());
  return {};
}

}  // namespace bulkhead
