// SPDX-License-Identifier: Apache-2.0
#include "tests/control/config_text.hpp"

namespace bulkhead {
namespace {

const Refusal kInSlice[] = {
    {"rate without unit",
     R"([slice.bandwidth]
guarantee = "2")",
     "lab.toml:13:13: guarantee \"2\" has no unit; write one of bps, kbps, Mbps, Gbps behind the number, for "
     "example \"2Gbps\""},
    {"rate in a wrong case",
     R"([slice.bandwidth]
guarantee = "2gbps")",
     "lab.toml:13:13: guarantee \"2gbps\" has an unknown unit; write one of bps, kbps, Mbps, Gbps behind the "
     "number, for example \"2Gbps\""},
    {"rate as a number",
     R"([slice.bandwidth]
ceiling = 5000)",
     "lab.toml:13:11: ceiling is a number without unit or quotes; write a string: ceiling = \"5Gbps\""},
    {"ceiling of zero",
     R"([slice.bandwidth]
ceiling = "0Gbps")",
     "lab.toml:13:1: ceiling is zero, so that nothing could leave; write a rate above zero"},
    {"guarantee above ceiling",
     R"([slice.bandwidth]
guarantee = "2Gbps"
ceiling = "1Gbps")",
     "lab.toml:13:1: guarantee 2Gbps is above the ceiling of 1Gbps; lower the guarantee or raise the "
     "ceiling"},
    {"guarantee above ceiling at one port",
     R"([slice.bandwidth]
ceiling = "1Gbps"
[slice.bandwidth.uplink]
guarantee = "2Gbps")",
     "lab.toml:15:1: guarantee 2Gbps is above the ceiling of 1Gbps; lower the guarantee or raise the "
     "ceiling"},
    {"ceiling at one port below guarantee",
     R"([slice.bandwidth]
guarantee = "2Gbps"
[slice.bandwidth.uplink]
ceiling = "1Gbps")",
     "lab.toml:15:1: ceiling 1Gbps is below the slice's guarantee of 2Gbps; raise it, or give this port a "
     "guarantee"},
    {"weight out of range",
     R"([slice.bandwidth]
weight = 10001)",
     "lab.toml:13:10: weight 10001 is out of range; write a whole number of 1 to 10000"},
    {"burst below a frame",
     R"([slice.bandwidth]
burst = "1KiB")",
     "lab.toml:13:1: burst 1KiB is smaller than a frame; write at least 1542B (a frame of the MTU with its "
     "overhead on the wire)"},
    {"bandwidth at an unknown port",
     R"([slice.bandwidth.uplinks]
weight = 3)",
     "lab.toml:12:1: no [[port]] is named \"uplinks\"; did you mean \"uplink\"?"},
    {"bandwidth at another slice's port",
     R"([slice.bandwidth.office]
weight = 3)",
     "lab.toml:12:1: port \"office\" is not a port of this slice; name it in a [[slice.flowspace]], or leave "
     "this table out"},
    {"unknown key at one port",
     R"([slice.bandwidth.uplink]
wieght = 3)",
     "lab.toml:13:1: unknown key \"wieght\" in [slice.bandwidth.uplink]; did you mean \"weight\"?"},
    {"class without pcp",
     R"([[slice.class]]
weight = 3)",
     "lab.toml:12:1: [[slice.class]] has no pcp; write pcp = 5, pcp = [5, 6] or pcp = \"5-7\""},
    {"pcp in two classes",
     R"([[slice.class]]
pcp = [5, 6]
[[slice.class]]
pcp = "6-7")",
     "lab.toml:15:7: pcp 6 is already in another class of the slice; name each PCP once"},
    {"strict with weight",
     R"([[slice.class]]
pcp = 5
strict = true
weight = 3)",
     "lab.toml:15:1: weight is given for a strict class, which is served before the others anyway; leave out "
     "weight or strict"},
    {"strict with a guarantee",
     R"([[slice.class]]
pcp = 5
strict = true
guarantee = "1Gbps")",
     "lab.toml:15:1: guarantee is given for a strict class, which is served before the others anyway; leave "
     "out guarantee or strict"},
    {"class guarantee above its ceiling",
     R"([[slice.class]]
pcp = 5
guarantee = "2Gbps"
ceiling = "1Gbps")",
     "lab.toml:14:1: guarantee 2Gbps is above the ceiling of 1Gbps; lower the guarantee or raise the "
     "ceiling"},
    {"queue both ways",
     R"([[slice.class]]
pcp = 5
queue = "256KiB, 500 packets")",
     "lab.toml:14:9: queue \"256KiB, 500 packets\" is neither a size nor a number of packets; write queue = "
     "\"256KiB\" or queue = \"500 packets\""},
    {"queue below a frame",
     R"([[slice.class]]
pcp = 5
queue = "100B")",
     "lab.toml:14:9: queue \"100B\" is smaller than a frame; write at least 1542B (a frame of the MTU with "
     "its overhead on the wire)"},
    {"queue of no packets",
     R"([[slice.class]]
pcp = 5
queue = "0 packets")",
     "lab.toml:14:9: queue \"0 packets\" is out of range; write 1 to 1000000 packets"},
    {"queue without unit",
     R"([[slice.class]]
pcp = 5
queue = 500)",
     "lab.toml:14:9: queue is a number without unit or quotes; write a string: queue = \"256KiB\" or queue = "
     "\"500 packets\""},
};

}  // namespace

TEST_CASE("faulty bandwidths and classes are refused") { check_refusals(kOneSlice, kInSlice); }

TEST_CASE("a port may be called as a key of the table is") {
  const Config config = accepted(R"([[port]]
name = "weight"
device = "net_null0"
[[slice]]
name = "lab"
[[slice.flowspace]]
port = "weight"
[slice.bandwidth.weight]
weight = 9
)");
  const SliceConfig& slice = config.slices.at(0);
  CHECK_FALSE(slice.bandwidth.weight);
  REQUIRE(slice.bandwidth_at_port.size() == 1);
  CHECK(slice.bandwidth_at_port[0].second.weight == 9u);
}

TEST_CASE("classes are strict or weighted, their queues in bytes or packets") {
  const Config config = accepted(kOneSlice + R"([[slice.class]]
pcp = [7, 5]
strict = true
queue = "256KiB"
[[slice.class]]
pcp = "0-4"
weight = 3
guarantee = "100Mbps"
ceiling = "1Gbps"
queue = "500 packets"
)");
  const auto& classes = config.slices.at(0).classes;
  REQUIRE(classes.size() == 2);
  CHECK(classes[0].pcps == std::vector<uint8_t>{5, 7});
  CHECK(classes[0].strict);
  CHECK(classes[0].queue_bytes == 256_KiB);
  CHECK_FALSE(classes[0].queue_packets);
  CHECK(classes[1].pcps == std::vector<uint8_t>{0, 1, 2, 3, 4});
  CHECK_FALSE(classes[1].strict);
  CHECK(classes[1].weight == 3u);
  CHECK(classes[1].guarantee == 100_Mbps);
  CHECK(classes[1].ceiling == 1_Gbps);
  CHECK(classes[1].queue_packets == 500u);
  CHECK_FALSE(classes[1].queue_bytes);
}

}  // namespace bulkhead
