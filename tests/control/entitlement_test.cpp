// SPDX-License-Identifier: Apache-2.0
#include "control/entitlement.hpp"

#include "tests/control/config_text.hpp"

namespace bulkhead {
namespace {

std::vector<std::vector<uint8_t>> pcps_of(const std::vector<ClassConfig>& classes) {
  std::vector<std::vector<uint8_t>> out;
  for (const ClassConfig& one : classes) out.push_back(one.pcps);
  return out;
}

}  // namespace

TEST_CASE("a slice that asks for nothing has the port's speed as its ceiling and 2 ms of it as its burst") {
  const Config config = accepted(kOneSlice);
  const auto shares = port_shares(config, config.slices.at(0), {});
  REQUIRE(shares.size() == 1);
  CHECK(shares[0].port == PortId{0});
  CHECK(shares[0].guarantee == 0_bps);
  CHECK(shares[0].ceiling == 10_Gbps);
  CHECK(shares[0].weight == 100);
  CHECK(shares[0].burst == 2'500'000_B);
}

TEST_CASE("a low ceiling still lets two frames pass in a burst") {
  const Config config = accepted(kOneSlice + "[slice.bandwidth]\nceiling = \"1Mbps\"\n");
  CHECK(port_shares(config, config.slices.at(0), {})[0].burst == 3084_B);
}

TEST_CASE("a port's own table overrides key by key") {
  const Config config = accepted(kOneSlice + R"([[slice.flowspace]]
port = "office"
[slice.bandwidth]
guarantee = "1Gbps"
ceiling = "2Gbps"
weight = 5
[slice.bandwidth.office]
ceiling = "4Gbps"
burst = "10KiB"
)");
  const auto shares = port_shares(config, config.slices.at(0), {});
  REQUIRE(shares.size() == 2);
  CHECK(shares[0].ceiling == 2_Gbps);
  CHECK(shares[0].burst == 500'000_B);
  CHECK(shares[1].guarantee == 1_Gbps);
  CHECK(shares[1].ceiling == 4_Gbps);
  CHECK(shares[1].weight == 5);
  CHECK(shares[1].burst == 10_KiB);
}

TEST_CASE("a speed that only the device knows is taken as reported, or left open") {
  const Config config =
      accepted(std::string(kTwoPorts) + "[[slice]]\nname = \"lab\"\nflowspace = [{port = \"office\"}]\n");
  const auto open = port_shares(config, config.slices.at(0), {});
  CHECK_FALSE(open.at(0).ceiling);
  CHECK_FALSE(open.at(0).burst);
  const auto reported = port_shares(config, config.slices.at(0), {1_Gbps, 25_Gbps});
  CHECK(reported.at(0).ceiling == 25_Gbps);
  CHECK(port_speed(config, PortId{0}, {1_Gbps, 25_Gbps}) == 10_Gbps);  // configured
}

TEST_CASE("without classes there are eight strict ones in 802.1Q's order") {
  const auto classes = classes_of(accepted(kOneSlice).slices.at(0));
  CHECK(pcps_of(classes) == std::vector<std::vector<uint8_t>>{{7}, {6}, {5}, {4}, {3}, {2}, {0}, {1}});
  for (const ClassConfig& one : classes) CHECK(one.strict);
}

TEST_CASE("strict classes come first, and PCPs in no class share a last one") {
  const auto classes = classes_of(accepted(kOneSlice + R"([[slice.class]]
pcp = 0
weight = 3
[[slice.class]]
pcp = [6, 7]
strict = true
[[slice.class]]
pcp = 1
[[slice.class]]
pcp = 5
strict = true
)")
                                      .slices.at(0));
  CHECK(pcps_of(classes) == std::vector<std::vector<uint8_t>>{{6, 7}, {5}, {0}, {1}, {2, 3, 4}});
  CHECK_FALSE(classes[0].weight);
  CHECK(classes[2].weight == 3u);
  CHECK(classes[3].weight == 1u);
  CHECK(classes[4].weight == 1u);
  CHECK_FALSE(classes[4].strict);
}

TEST_CASE("identifiers and models as the configuration writes them") {
  CHECK(format_vnet({0x0a1b2c3d, 1}) == "0a1b2c3d:00000001");
  CHECK(forward_name(SliceConfig::Forward::wire) == "wire");
  CHECK(forward_name(SliceConfig::Forward::learning_switch) == "switch");
}

}  // namespace bulkhead
