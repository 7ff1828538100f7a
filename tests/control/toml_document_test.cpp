// SPDX-License-Identifier: Apache-2.0
#include "control/toml_document.hpp"

#include <catch2/catch.hpp>

namespace bulkhead {
namespace {

TEST_CASE("a document becomes a tree of values with their places", "[toml_document]") {
  const auto root = parse_toml("a = 1\n[b]\nc = [\"x\", true]\n");
  REQUIRE(root);
  const auto* members = root->as<TomlNode::Table>();
  REQUIRE((members != nullptr && members->size() == 2));
  const TomlMember& a = members->at(0);
  CHECK(a.key == "a");
  CHECK(a.key_at.line == 1);
  CHECK(a.key_at.column == 1);
  CHECK(a.value.at.column == 5);
  REQUIRE(a.value.as<int64_t>() != nullptr);
  CHECK(*a.value.as<int64_t>() == 1);
  CHECK(a.value.as<std::string>() == nullptr);
  const auto* b = members->at(1).value.as<TomlNode::Table>();
  REQUIRE(b != nullptr);
  const auto* list = b->at(0).value.as<TomlNode::Array>();
  REQUIRE((list != nullptr && list->size() == 2));
  CHECK(*list->at(0).as<std::string>() == "x");
  CHECK(*list->at(1).as<bool>());
  CHECK(list->at(1).at.line == 3);
}

TEST_CASE("every kind of value has a name for messages", "[toml_document]") {
  const auto root = parse_toml("v = [1, 1.5, true, \"\", 2026-01-01, [], {}]\n");
  REQUIRE(root);
  std::string kinds;
  for (const TomlNode& node : *root->as<TomlNode::Table>()->at(0).value.as<TomlNode::Array>())
    kinds += std::string(node.kind()) + ", ";
  CHECK(
      kinds ==
      "a whole number, a number with a fraction, true or false, a string, a date or time, a list, a table, ");
}

TEST_CASE("what is not TOML is answered with the place and the cause", "[toml_document]") {
  const auto root = parse_toml("a = 1\nb = \n");
  REQUIRE_FALSE(root);
  CHECK(root.error().at.line == 2);
  CHECK(root.error().message.starts_with("not TOML: "));
  CHECK_FALSE(parse_toml("\xff\xfe = 1"));
}

}  // namespace
}  // namespace bulkhead
