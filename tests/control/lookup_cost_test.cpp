// SPDX-License-Identifier: Apache-2.0
#include "control/lookup_cost.hpp"

#include <algorithm>
#include <random>

#include "tests/control/config_text.hpp"

namespace bulkhead {
namespace {

constexpr uint16_t kMaskSlices = 6;

/// A configuration whose slices claim addresses by masks with holes, at one port and VLAN: what a lookup
/// cannot find its way through.
Config with_random_masks(std::size_t entries) {
  Config config = accepted(kOneSlice);
  const SliceConfig pattern = config.slices[0];
  config.slices.clear();
  std::mt19937_64 random{1};
  for (uint16_t s = 0; s < kMaskSlices; ++s) {
    SliceConfig slice = pattern;
    slice.name = "mask-" + std::to_string(s);
    slice.precedence = s;
    slice.flowspaces.clear();
    for (std::size_t i = 0; i < entries / kMaskSlices; ++i) {
      FlowspaceConfig flowspace = pattern.flowspaces[0];
      const uint64_t mask = random() & 0xffff'ffff'ffff;
      flowspace.matches[0].vlan = Interval<4095>::exactly(100);
      flowspace.matches[0].eth_src = {random() & mask, mask};
      slice.flowspaces.push_back(flowspace);
    }
    config.slices.push_back(slice);
  }
  return config;
}

}  // namespace

TEST_CASE("a lookup by tag alone costs nothing, and one by headers is counted") {
  CHECK(lookup_cost(accepted(std::string(kTwoPorts) +
                             "[[slice]]\nname = \"a\"\nflowspace = [{port = \"uplink\", vlan = 1}]\n"))
            .entries == 0);
  const LookupCost cost = lookup_cost(accepted(
      std::string(kTwoPorts) +
      "[[slice]]\nname = \"a\"\nflowspace = [{port = \"uplink\", vlan = 1, ip_src = \"10.1.0.0/16\"}]\n"));
  CHECK(cost.entries == 1);
  CHECK(cost.warning.empty());
}

TEST_CASE("a lookup that may compare many entries is warned of, with port, VLAN and slices") {
  CHECK(lookup_cost(with_random_masks(120)).warning.empty());
  const LookupCost cost = lookup_cost(with_random_masks(12'000));
  CHECK(cost.entries > 64);
  CHECK(
      cost.warning ==
      "port uplink, vlan 100: to find a frame's slice, up to " + std::to_string(cost.entries) +
          " entries of slices mask-0, mask-1, mask-2, mask-3 and 2 more are compared, which slows all slices "
          "down when such frames come; write fewer eth_src and eth_dst masks with holes, or entries that "
          "overlap less");
}

}  // namespace bulkhead
