// SPDX-License-Identifier: Apache-2.0
#include "shaper/claimed_ports.hpp"

#include <array>
#include <catch2/catch.hpp>

#include "tests/shaper/box.hpp"

using namespace bulkhead;
using namespace bulkhead::test;

TEST_CASE("a way out is claimed when first asked for, and released at the end", "[claimed_ports]") {
  Box box("exits", 2);
  const std::array ports{&box.port(0), &box.port(1)};
  Claim& first = box.port(0).egress_claim;
  Claim& second = box.port(1).egress_claim;
  {
    ClaimedPorts exits(ports, Cycles{5});
    CHECK(exits.now() == Cycles{5});
    REQUIRE(first.try_take());
    first.release();
    CHECK(exits.at(PortId{0}) == &box.port(0).egress);
    CHECK(exits.at(PortId{0}) == &box.port(0).egress);
    CHECK_FALSE(first.try_take());
    REQUIRE(second.try_take());
    CHECK(exits.at(PortId{1}) == nullptr);
    CHECK(exits.at(PortId{2}) == nullptr);
  }
  CHECK(first.try_take());
  CHECK_FALSE(second.try_take());  // was another's all the time
}
