// SPDX-License-Identifier: Apache-2.0
#include "classifier/drop_reason.hpp"

#include <catch2/catch.hpp>
#include <set>

using namespace bulkhead;

TEST_CASE("every drop reason has a name of its own, fit for a metric's label", "[drop_reason]") {
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < kDropReasons; ++i) {
    const std::string_view name = to_string(static_cast<DropReason>(i));
    CHECK_FALSE(name.empty());
    CHECK(name.find_first_not_of("abcdefghijklmnopqrstuvwxyz_") == std::string_view::npos);
    names.insert(name);
  }
  CHECK(names.size() == kDropReasons);
  CHECK(to_string(DropReason::malformed) == "malformed");
  CHECK(to_string(DropReason::no_buffer) == "no_buffer");
  CHECK(to_string(DropReason::egress_vlan) == "egress_vlan");
  CHECK(to_string(DropReason::shutdown) == "shutdown");
}

TEST_CASE("each reason is counted apart", "[drop_reason]") {
  DropCounters drops;
  drops.add(DropReason::queue_full, 3);
  drops.add(DropReason::shutdown, 1);
  drops.add(DropReason::queue_full, 2);
  CHECK(drops.read(DropReason::queue_full) == 5);
  CHECK(drops.read(DropReason::shutdown) == 1);
  CHECK(drops.read(DropReason::malformed) == 0);
}
