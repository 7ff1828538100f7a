// SPDX-License-Identifier: Apache-2.0
#include "control/config_reader.hpp"

#include <catch2/catch.hpp>

namespace bulkhead {
namespace {

/// A table of one document, and what is said while it is read.
struct Sheet {
  explicit Sheet(std::string_view text) : root(parse_toml(text).value()), table(root, "[sheet]", faults) {}
  /// All that was said, one fault a line.
  std::string said() { return ConfigFaults{"f", std::move(faults).take_sorted()}.to_string(); }
  TomlNode root;
  FaultList faults;
  TableReader table;
};

TEST_CASE("values of the right type are read, absent ones are nothing", "[config_reader]") {
  Sheet sheet(
      "number = 5\nflag = true\ntext = \"x\"\nword = \"two\"\nname = "
      "\"a_b-1\"\n[inner]\n[[list]]\n[[list]]\n");
  CHECK(sheet.table.integer("number", 1, 5) == 5);
  CHECK(sheet.table.boolean("flag") == true);
  CHECK(sheet.table.string("text", "text = \"y\"") == "x");
  CHECK(sheet.table.word("word", {"one", "two"}) == 1u);
  CHECK(read_name(sheet.table, "name = \"a\"") == "a_b-1");
  CHECK(sheet.table.table("inner", "inner") != nullptr);
  CHECK(sheet.table.tables("list", "list").size() == 2);
  CHECK_FALSE(sheet.table.integer("none", 1, 5));
  CHECK_FALSE(sheet.table.boolean("none"));
  CHECK(sheet.table.table("none", "none") == nullptr);
  CHECK(sheet.table.is_empty("none"));
  sheet.table.refuse_unknown();
  CHECK(sheet.said() == "");
}

TEST_CASE("what is of another type or out of range is a fault, and reads as absent", "[config_reader]") {
  Sheet sheet("a = \"5\"\nb = 6\nc = 1\nd = 7\ne = \"three\"\nf = \"\"\n");
  CHECK_FALSE(sheet.table.integer("a", 1, 5));
  CHECK_FALSE(sheet.table.integer("b", 1, 5));
  CHECK_FALSE(sheet.table.boolean("c"));
  CHECK_FALSE(sheet.table.string("d", "d = \"x\""));
  CHECK_FALSE(sheet.table.word("e", {"one", "two"}));
  CHECK_FALSE(sheet.table.string("f", "f = \"x\""));
  CHECK(sheet.said() ==
        "f:1:5: a is a string; write a whole number of 1 to 5\n"
        "f:2:5: b 6 is out of range; write a whole number of 1 to 5\n"
        "f:3:5: c is a whole number; write true or false\n"
        "f:4:5: d is a number without unit or quotes; write a string: d = \"x\"\n"
        "f:5:5: e \"three\" is not known; write one or two\n"
        "f:6:5: f \"\" is empty; write what it names or leave the key out\n");
}

TEST_CASE("what is required is missed, what nobody asked for is refused", "[config_reader]") {
  Sheet sheet("colour = 1\n");
  CHECK(sheet.table.require("weight", "weight = 1") == nullptr);
  CHECK(sheet.table.find("color") == nullptr);
  sheet.table.refuse_unknown();
  CHECK(sheet.said() ==
        "f:1:1: [sheet] has no weight; write weight = 1\n"
        "f:1:1: unknown key \"colour\" in [sheet]; did you mean \"color\"?\n");
}

TEST_CASE("numbers come as one, as a list or as ranges", "[config_reader]") {
  Sheet sheet("a = 5\nb = [6, 5]\nc = \"1-3,7\"\nd = [\"x\"]\ne = []\n");
  const auto read = [&](std::string_view key) {
    return read_number_list(sheet.table, *sheet.table.find(key), 7);
  };
  CHECK(read("a") == std::vector<uint32_t>{5});
  CHECK(read("b") == std::vector<uint32_t>{5, 6});
  CHECK(read("c") == std::vector<uint32_t>{1, 2, 3, 7});
  CHECK(read("d").empty());
  CHECK(read("e").empty());
  const std::string right = "write a number of 0-7, a list of them, or a range such as \"0-7\"\n";
  CHECK(sheet.said() == "f:4:5: d holds more than numbers; " + right + "f:5:5: e is an empty list; " + right);
}

}  // namespace
}  // namespace bulkhead
