// SPDX-License-Identifier: Apache-2.0
#include "control/memory_plan.hpp"

#include "nic/packet_pool.hpp"
#include "tests/control/config_text.hpp"

namespace bulkhead {
namespace {

constexpr PacketMemory kTenThousand{.data_room = 2048, .packets = 10'000};

/// Slices with these [slice.memory] packets (none where zero), each with two queues, at two ports in all.
Config with_packets(const std::vector<int>& packets) {
  std::string text(kTwoPorts);
  for (std::size_t i = 0; i < packets.size(); ++i) {
    text += "[[slice]]\nname = \"s" + std::to_string(i) +
            "\"\nflowspace = [{port = \"uplink\", vlan = " + std::to_string(i) + "}]\n";
    if (packets[i] > 0) text += "memory = {packets = " + std::to_string(packets[i]) + "}\n";
  }
  return accepted(text);
}

TEST_CASE("a packet has room for the largest frame of any device, and memory holds so many fewer",
          "[memory_plan]") {
  const PacketMemory usual = packet_memory(accepted(kOneSlice));
  CHECK(usual.data_room == 2'048);
  CHECK(usual.packets == PacketPool::capacity_of(512_MiB, 2'048));
  const PacketMemory jumbo = packet_memory(accepted(
      kOneSlice + "[[port]]\nname = \"big\"\ndevice = \"net_af_packet0,iface=veth1,framesz=16384\"\n"));
  CHECK(jumbo.data_room == 16'384);
  CHECK(jumbo.packets == PacketPool::capacity_of(512_MiB, 16'384));
}

TEST_CASE("ports hold their descriptors, workers their caches and bursts of long frames", "[memory_plan]") {
  constexpr uint64_t kCache = 384;
  const auto held = [](const std::string& text, std::optional<uint32_t> workers) {
    const Config config = accepted(text);
    return held_packets(config, packet_memory(config), workers);
  };
  CHECK(held(kOneSlice, {}) == uint64_t{2} * 2'048 + kCache);  // the control thread's
  CHECK(held(kOneSlice, 3) == uint64_t{2} * 2'048 + kCache + 3 * (kCache + uint64_t{64} * 5));
  CHECK(held(kOneSlice + "[[port]]\nname = \"xdp\"\ndevice = \"net_af_xdp0,iface=veth1\"\n", {}) ==
        uint64_t{2} * 2'048 + uint64_t{2} * 2'048 + kCache);
  // One queue for the slice and one to spare.
  const std::string nic = "[[port]]\nname = \"nic\"\ndevice = \"0000:3b:00.0\"\n";
  const std::string slice = "[[slice]]\nname = \"s\"\nflowspace = [{port = \"nic\"}]\n";
  CHECK(held(nic + slice, {}) == 2'048 + 2 * kOwnDescriptors + kCache);
  CHECK(held(nic + "flow_rules = \"software\"\n" + slice, {}) == 2'048 + kCache);
}

TEST_CASE("queues of slices' own are as many as slices, and some, within a quarter of the memory",
          "[memory_plan]") {
  std::string text = "[[port]]\nname = \"nic\"\ndevice = \"0000:3b:00.0\"\n";
  for (int vlan = 1; vlan <= 40; ++vlan)
    text += "[[slice]]\nname = \"s" + std::to_string(vlan) +
            "\"\nflowspace = [{port = \"nic\", vlan = " + std::to_string(vlan) + "}]\n";
  const Config config = accepted(text);
  CHECK(own_queues_at(config, PortId{0}, {.data_room = 2'048, .packets = 200'000}) == 40 + 10 + 1);
  CHECK(own_queues_at(config, PortId{0}, {.data_room = 2'048, .packets = 20'480}) == 20);
  // One for each further class of who asks for classes: here those of PCP 5 and of all others.
  const Config with_class = accepted(text + "[[slice.class]]\npcp = [5]\nstrict = true\n");
  CHECK(own_queues_at(with_class, PortId{0}, {.data_room = 2'048, .packets = 200'000}) == 40 + 10 + 1 + 1);
}

TEST_CASE("what ports, workers and given parts leave is shared equally", "[memory_plan]") {
  const auto packets = [](const std::vector<int>& given, std::optional<uint32_t> workers) {
    return memory_packets(with_packets(given), kTenThousand, workers);
  };
  CHECK(packets({0, 0, 0}, {}) == std::vector<uint64_t>{1'840, 1'840, 1'840});  // of 10,000 - 4,480
  CHECK(packets({0, 0, 0}, 1) == std::vector<uint64_t>{1'605, 1'605, 1'605});
  CHECK(packets({0, 5'000, 0}, {}) == std::vector<uint64_t>{260, 5'000, 260});
  CHECK(packets({5'520, 0}, {}) == std::vector<uint64_t>{5'520, 0});  // the proof refuses it
  CHECK(packets({20'000, 0}, {}) == std::vector<uint64_t>{20'000, 0});
}

TEST_CASE(
    "of a slice's packets at a port a third may wait to be visited, a quarter of it again "
    "is for long frames there, the rest to be sent",
    "[memory_plan]") {
  const auto plans = [](const std::vector<int>& given) {
    return queue_plans(with_packets(given), kTenThousand, 1);
  };
  CHECK(plans({1'000, 3'000}) == std::vector<QueuePlan>{{.input = 256, .output = 680, .quota = 1'000},
                                                        {.input = 512, .output = 2'360, .quota = 3'000}});
  CHECK(plans({48, 95}) == std::vector<QueuePlan>{{.input = 16, .output = 28, .quota = 48},
                                                  {.input = 16, .output = 75, .quota = 95}});
  CHECK(queue_count(accepted(kOneSlice).slices[0]) == 3);
}

TEST_CASE("no queue is longer than useful", "[memory_plan]") {
  CHECK(queue_plans(with_packets({1'000'000}), {.data_room = 2048, .packets = 2'000'000}, 1) ==
        std::vector<QueuePlan>{{.input = 1'024, .output = 16'384, .quota = 1'000'000}});
}

}  // namespace
}  // namespace bulkhead
