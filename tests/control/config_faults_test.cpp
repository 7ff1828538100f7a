// SPDX-License-Identifier: Apache-2.0
#include "control/config_faults.hpp"

#include <catch2/catch.hpp>

namespace bulkhead {

TEST_CASE("the nearest known word is suggested, where one is near") {
  const std::vector<std::string_view> known = {"guarantee", "ceiling", "weight", "burst"};
  CHECK(nearest("guarantee", known) == "guarantee");
  CHECK(nearest("garantee", known) == "guarantee");
  CHECK(nearest("wieght", known) == "weight");
  CHECK(nearest("ceil", known) == "");
  CHECK(nearest("brust", known) == "burst");
  CHECK(nearest("vlan", known) == "");
  CHECK(nearest("", known) == "");
  CHECK(nearest(std::string(1'000'000, 'w'), known) == "");
  CHECK(nearest("x", {"y"}) == "");
}

TEST_CASE("where no known word is near, all are named") {
  CHECK(suggestion("vlna", {"vlan", "pcp"}) == "; did you mean \"vlan\"?");
  CHECK(suggestion("colour", {"vlan", "pcp", "port"}) == "; known are vlan, pcp and port");
  CHECK(suggestion("colour", {"vlan"}) == "; known is vlan");
  CHECK(suggestion("colour", {}) == "; none is known");
  CHECK(suggestion("colour", std::vector<std::string_view>(21, "vlan")) == "; none of the 21 known is near");
}

TEST_CASE("text from the file cannot disturb a terminal") {
  CHECK(in_quotes("lab") == "\"lab\"");
  CHECK(in_quotes("a\x1b[31m\n") == "\"a?[31m?\"");
  CHECK(in_quotes(std::string(70, 'x')) == "\"" + std::string(64, 'x') + "...\"");
  // A character of several bytes is kept or left out as a whole.
  CHECK(in_quotes(std::string(63, 'x') + "\u00e4yy") == "\"" + std::string(63, 'x') + "...\"");
}

TEST_CASE("faults are printed with the place they have") {
  const ConfigFaults faults{"lab.toml", {{{}, "a"}, {{3, 0}, "b"}, {{3, 7}, "c"}}};
  CHECK(faults.to_string() == "lab.toml: a\nlab.toml:3: b\nlab.toml:3:7: c\n");
}

TEST_CASE("faults are taken in the order of the file") {
  FaultList list;
  list.add({9, 1}, "c");
  list.add({2, 5}, "b");
  list.add({2, 1}, "a");
  const auto faults = std::move(list).take_sorted();
  REQUIRE(faults.size() == 3);
  CHECK(faults[0].message + faults[1].message + faults[2].message == "abc");
}

}  // namespace bulkhead
