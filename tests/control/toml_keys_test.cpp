// SPDX-License-Identifier: Apache-2.0
#include "control/toml_keys.hpp"

#include <catch2/catch.hpp>
#include <string>

#include "control/toml_document.hpp"

namespace bulkhead {
namespace {

std::string key_of(const std::string& part, int parts) {
  std::string key = part;
  for (int i = 1; i < parts; ++i) key += "." + part;
  return key;
}

}  // namespace

TEST_CASE("parts of keys are counted, whatever they are written as", "[toml_keys]") {
  for (const std::string part :
       {"a", R"("a")", "'a'", R"("=")", R"(",")", R"("{")", R"("#")", "'['", R"("\"=")", R"('"=')"}) {
    for (const std::string before : {"", "x = 1\n", "[", "x = {", "[[", "x = [{a = 1, "}) {
      INFO(before << part);
      CHECK_FALSE(overlong_key(before + key_of(part, 4) + " = 1", 4));
      CHECK(overlong_key(before + key_of(part, 5) + " = 1", 4));
    }
  }
}

TEST_CASE("what strings and comments hold are no keys", "[toml_keys]") {
  const std::string dots = "a.b.c.d.e.f";
  for (const std::string open :
       {R"(x = ")", "x = '", "# ", "x = \"\"\"\n\"=\\\"\"\"", "x = '''\n'", R"(x = "\")"}) {
    INFO(open);
    CHECK_FALSE(overlong_key(open + dots, 4));
  }
  for (const std::string string :
       {R"("")", "''", R"("""""")", "''''''", R"("""""""")", R"("""a""""")", R"('''\''')", R"('\')"}) {
    INFO(string);
    CHECK(overlong_key("x = " + string + "\n" + dots + " = 1", 4));
  }
}

TEST_CASE("an overlong key's place is told", "[toml_keys]") {
  const auto at = overlong_key("x = 1\n  a.b.c = 1", 2);
  REQUIRE(at);
  CHECK(at->line == 2);
  CHECK(at->column == 6);
}

TEST_CASE("keys that would exhaust the stack are refused", "[toml_keys]") {
  for (const std::string part : {"a", R"("=")", R"(",")", R"("{")", "'#'"})
    for (const std::string before : {"", "[", "x = {"}) {
      const auto read = parse_toml(before + key_of(part, 200'000) + " = 1");
      REQUIRE_FALSE(read);
      CHECK(read.error().message == "a dotted name has more than 64 parts; no key is that deep");
    }
}

}  // namespace bulkhead
