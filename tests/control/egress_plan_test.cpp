// SPDX-License-Identifier: Apache-2.0
#include "control/egress_plan.hpp"

#include "tests/control/config_text.hpp"

namespace bulkhead {
namespace {

using namespace test;

/// The plan at "uplink", of 10 Gb/s.
EgressPlan plan(const std::string& sections) {
  const Config config = accepted(std::string(kTwoPorts) + R"([[slice]]
name = "a"
flowspace = [{port = ["office", "uplink"], vlan = 7}]
)" + sections);
  return egress_plan(config.slices.at(0), port_shares(config, config.slices.at(0), {}).at(0), 500);
}

TEST_CASE("nothing said: the port's speed, eight strict classes in 802.1Q's order", "[egress_plan]") {
  const EgressPlan none = plan("");
  CHECK(none.rates.rates.guarantee == 0_bps);
  CHECK(none.rates.rates.ceiling == 10_Gbps);
  CHECK(none.rates.rates.weight == 100);
  CHECK(none.rates.rates.burst == Bytes{2'500'000});  // 2 ms
  CHECK(none.rates.class_count == 8);
  for (const ClassRates& each : none.rates.classes) CHECK(each.strict);
  CHECK(none.queues.class_of_pcp == std::array<uint8_t, 8>{6, 7, 5, 4, 3, 2, 1, 0});
  CHECK(none.queues.places == 500);
  for (const QueueLimit& limit : none.queues.limits) CHECK(limit.is_shared);
}

TEST_CASE("rates are a slice's, or a port's own", "[egress_plan]") {
  const EgressPlan here = plan(R"([slice.bandwidth]
guarantee = "1Gbps"
ceiling = "2Gbps"
burst = "64KiB"
[slice.bandwidth.uplink]
ceiling = "3Gbps"
weight = 7
)");
  CHECK(here.rates.rates.guarantee == 1_Gbps);
  CHECK(here.rates.rates.ceiling == 3_Gbps);
  CHECK(here.rates.rates.weight == 7);
  CHECK(here.rates.rates.burst == Bytes{65'536});
}

TEST_CASE("classes keep their order, rates and queues", "[egress_plan]") {
  const EgressPlan classes = plan(R"([slice.bandwidth]
guarantee = "1Gbps"
[[slice.class]]
pcp = [1]
weight = 3
guarantee = "100Mbps"
ceiling = "1Gbps"
queue = "256KiB"
[[slice.class]]
pcp = [5, 6, 7]
strict = true
queue = "50 packets"
)");
  REQUIRE(classes.rates.class_count == 3);
  CHECK(classes.rates.classes[0].strict);
  CHECK(classes.queues.limits[0].packets == 50);
  CHECK_FALSE(classes.rates.classes[1].strict);
  CHECK(classes.rates.classes[1].rates.weight == 3);
  CHECK(classes.rates.classes[1].rates.guarantee == 100_Mbps);
  CHECK(classes.rates.classes[1].rates.ceiling == 1_Gbps);
  CHECK(classes.queues.limits[1].bytes == 256_KiB);
  CHECK(classes.queues.limits[2].is_shared);  // the PCPs that no class names
  CHECK(classes.queues.class_of_pcp == std::array<uint8_t, 8>{2, 1, 2, 2, 2, 0, 0, 0});
}

TEST_CASE("priorities are passed on as they are", "[egress_plan]") {
  CHECK(priority_rules({.default_pcp = 2, .from_dscp = true, .max = 5}) ==
        Priority::Rules{.default_pcp = 2, .from_dscp = true, .max = 5});
}

}  // namespace
}  // namespace bulkhead
