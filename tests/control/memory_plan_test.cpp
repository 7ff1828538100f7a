// SPDX-License-Identifier: Apache-2.0
#include "control/memory_plan.hpp"

#include "tests/control/config_text.hpp"

namespace bulkhead {
namespace {

constexpr std::string_view kTwoSlices = R"([[port]]
name = "left"
device = "net_null0"
[[port]]
name = "right"
device = "net_af_packet0,iface=veth1,framesz=16384"
[[slice]]
name = "a"
memory = {packets = 4000}
flowspace = [{port = ["left", "right"], vlan = 1}]
[[slice]]
name = "b"
memory = {packets = 1000}
flowspace = [{port = "left", vlan = 2}]
)";

constexpr MemoryUsers kNobody{};

TEST_CASE("a slice's packets are divided among its queues, rounded down to a power of two", "[memory_plan]") {
  const auto plan = plan_memory(accepted(kTwoSlices), 2048, 10'000, kNobody);
  REQUIRE(plan);
  CHECK(plan->data_room == 2048);
  CHECK(plan->packets == 10'000);
  // a: 4000 in two queues at each of two ports; b: 1000 in two.
  CHECK(plan->queue_capacity == std::vector<uint32_t>{512, 256});
}

TEST_CASE("no queue is longer than useful", "[memory_plan]") {
  Config config = accepted(kTwoSlices);
  config.slices[0].memory_packets = 1'000'000;
  const auto plan = plan_memory(config, 2048, 2'000'000, kNobody);
  REQUIRE(plan);
  CHECK(plan->queue_capacity[0] == 1024);
}

TEST_CASE("what devices and workers hold is taken off first, from all slices in proportion",
          "[memory_plan]") {
  // 5000 are wanted; of 10,000 two ports hold 2 * 2,048 and one worker 512, which leaves 5,392.
  const MemoryUsers users{.ports = 2, .workers = 1, .packets_per_port = 2'048};
  CHECK(plan_memory(accepted(kTwoSlices), 2048, 10'000, users)->queue_capacity ==
        std::vector<uint32_t>{512, 256});
  // Of 6,000 it leaves 1,392: a gets 1,113 for four queues, b 278 for two.
  CHECK(plan_memory(accepted(kTwoSlices), 2048, 6'000, users)->queue_capacity ==
        std::vector<uint32_t>{256, 128});
}

TEST_CASE("memory in which no burst could be forwarded is refused, with what would be enough",
          "[memory_plan]") {
  Config config = accepted(kTwoSlices);
  config.slices[1].memory_packets = 31;
  const auto plan = plan_memory(config, 2048, 10'000, kNobody);
  REQUIRE_FALSE(plan);
  CHECK(plan.error().message() ==
        "slice b: 31 packets of memory for 2 queues are too few, 32 are needed; raise [appliance] memory or "
        "[slice.memory] packets");
  config.slices[1].memory_packets = 32;
  CHECK(plan_memory(config, 2048, 10'000, kNobody)->queue_capacity[1] == 16);
}

TEST_CASE("a pool that devices alone would fill leaves nothing for slices", "[memory_plan]") {
  const auto plan =
      plan_memory(accepted(kTwoSlices), 2048, 1'000, {.ports = 2, .workers = 1, .packets_per_port = 2'048});
  REQUIRE_FALSE(plan);
  CHECK(plan.error().message().starts_with(
      "slice a: 0 packets of memory for 4 queues are too few, 64 are needed"));
}

TEST_CASE("a buffer has room for the largest frame of any device", "[memory_plan]") {
  CHECK(data_room_for(accepted(kTwoSlices)) == 16'384);
  CHECK(data_room_for(accepted(kOneSlice)) == 2'048);
}

}  // namespace
}  // namespace bulkhead
