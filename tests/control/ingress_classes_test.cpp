// SPDX-License-Identifier: Apache-2.0
#include "control/ingress_classes.hpp"

#include <catch2/catch.hpp>
#include <string>

#include "tests/control/config_text.hpp"

using namespace bulkhead;

namespace {

IngressClasses classes_with(const std::string& more) {
  const Config config = accepted(
      "[[port]]\nname = \"p\"\ndevice = \"net_null0\"\nspeed = \"10Gbps\"\n[[slice]]\nname = \"s\"\n"
      "flowspace = [{port = \"p\"}]\n" +
      more);
  return ingress_classes(config.slices[0]);
}

}  // namespace

TEST_CASE("which class a frame is of when it comes, its PCP says") {
  using Classes = std::array<uint8_t, 8>;
  struct Row {
    std::string description;
    std::string text;
    Classes of_pcp;
    std::size_t count;
  };
  const std::string three =
      "[[slice.class]]\npcp = [2, 3]\nweight = 3\n[[slice.class]]\npcp = [5, 6, 7]\nstrict = true\n";
  const std::vector<Row> rows{
      {"nobody asked", "", {}, 1},
      {"only for a limit", "priority = {max = 3}\n", {}, 1},
      {"strict ones first, and the rest last", three, {2, 2, 1, 1, 2, 0, 0, 0}, 3},
      {"those that are rewritten", "priority = {max = 3}\n" + three, {2, 2, 1, 1, 1, 1, 1, 1}, 2},
      {"all are rewritten", "priority = {max = 1}\n" + three, {2, 2, 2, 2, 2, 2, 2, 2}, 1},
  };
  for (const Row& row : rows) {
    INFO(row.description);
    const IngressClasses classes = classes_with(row.text);
    CHECK(classes.of_pcp == row.of_pcp);
    CHECK(classes.count() == row.count);
  }
}
