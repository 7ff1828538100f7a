// SPDX-License-Identifier: Apache-2.0
// One appliance, taken from start to stop: DPDK starts once in a process, so each case goes on where the one
// before it left off.
#include "control/appliance.hpp"

#include <atomic>
#include <catch2/catch.hpp>
#include <filesystem>

#include "nic/worker_thread.hpp"
#include "tests/control/lab.hpp"
#include "tests/control/temporary_directory.hpp"
#include "tests/support/eal.hpp"
#include "tests/support/frames.hpp"
#include "tests/support/pcap_file.hpp"
#include "tests/support/ring_device.hpp"

namespace bulkhead {
namespace {

using namespace test;

/// What the cases hand on to each other.
struct Lab {
  TemporaryDirectory directory;
  std::unique_ptr<Appliance> appliance;
  std::unique_ptr<PacketPool> pool;
  std::unique_ptr<RingDevice> left;
  std::unique_ptr<RingDevice> right;
  ~Lab() { appliance.reset(); }

  /// Sends frames in at the left and expects as many out at the right.
  std::vector<Frame> pass(const std::vector<Frame>& frames) const {
    for (const Frame& frame : frames) left->inject(*pool, frame);
    std::vector<Frame> seen;
    CHECK(eventually([&] {
      for (Frame& frame : right->collect()) seen.push_back(std::move(frame));
      return seen.size() >= frames.size();
    }));
    return seen;
  }
};

Lab& lab() {
  static Lab the_lab;
  return the_lab;
}

const std::string kLeft = port_section("left", "net_ring_left");
const std::string kRight = port_section("right", "net_ring_right");
const std::string kBase =
    appliance_section() + kLeft + kRight + wire_section("stays", "left", "right", "100");

std::string refusal(const std::string& text) {
  const auto done = lab().appliance->reload(accepted(text));
  return done ? "done" : done.error().message();
}

Snapshot::Slice slice_now(const std::string& name) {
  for (Snapshot::Slice& slice : lab().appliance->snapshot().slices)
    if (slice.name == name) return std::move(slice);
  FAIL("no slice " << name);
  return {};
}

/// How many more packets the first port counts than what is known to have become of them.
int64_t ahead_at_left(const Snapshot& moment) {
  uint64_t known = sum_of(moment.ports.at(0).unclaimed);
  for (const Snapshot::Slice& slice : moment.slices) known += slice.ports.at(0).received.packets;
  return static_cast<int64_t>(moment.ports.at(0).received.packets - known);
}

TEST_CASE("2. an appliance starts, forwards and counts", "[appliance]") {
  std::vector<Frame> frames;
  for (uint32_t i = 0; i < 50; ++i) frames.push_back(tag(numbered(i), 100, 5));
  for (uint32_t i = 0; i < 10; ++i) frames.push_back(numbered(i));
  for (uint32_t i = 0; i < 5; ++i) frames.push_back(tag(numbered(i), 4095));
  const auto file = [](const char* name) { return lab().directory.file(name); };
  write_pcap(file("in.pcap"), frames);
  lab().appliance = start_appliance(
      appliance_section() +
      port_section("in", "net_pcap0,rx_pcap=" + file("in.pcap") + ",tx_pcap=" + file("out.pcap")) +
      port_section("out", "net_null0,no-rx=1") + wire_section("a", "in", "out", "100"));

  CHECK(eventually([] {
    const Snapshot seen = lab().appliance->snapshot();
    return seen.ports.at(0).received.packets == 65 && transmitted_by(seen.slices.at(0)) == 50;
  }));
  const Snapshot seen = lab().appliance->snapshot();
  CHECK(seen.ready);
  CHECK(seen.not_ready_because.empty());
  CHECK(seen.config_generation == 1);
  REQUIRE(seen.workers.size() == 1);
  CHECK(seen.workers[0].core == 0);
  CHECK(seen.workers[0].busy_seconds > 0);
  const Snapshot::Port& in = seen.ports.at(0);
  CHECK(in.name == "in");
  CHECK(in.driver == "net_pcap");
  CHECK(in.link_up);
  CHECK(in.speed_bits_per_second == 10'000'000'000);
  CHECK(in.mtu == 1500);
  CHECK(count_of(in.unclaimed, "not_in_flowspace") == 10);
  CHECK(count_of(in.unclaimed, "malformed") == 5);
  const Snapshot::Slice& slice = seen.slices.at(0);
  CHECK(slice.name == "a");
  CHECK(slice.forward == "wire");
  CHECK(slice.ports.at(0).port == "in");
  CHECK(slice.ports[0].received.packets == 50);
  CHECK(slice.ports[0].received.bytes == 50 * 64);
  CHECK(slice.ports[0].rules_software == 1);
  CHECK(slice.ports.at(1).transmitted[5].packets == 50);
  CHECK(slice.dropped.size() == kDropReasons);
  CHECK(sum_of(slice.dropped) == 0);
  CHECK(slice.residence_sum_seconds > 0);
  CHECK(is_balanced(slice));
}

TEST_CASE("2b. where neither the new devices nor the old ones can be opened, that is said, and can be mended",
          "[appliance]") {
  const std::string capture = lab().directory.file("in.pcap");
  const auto with_input = [](const std::string& file) {
    return appliance_section() +
           port_section("in", "net_pcap0,rx_pcap=" + file + ",tx_pcap=" + lab().directory.file("out.pcap")) +
           port_section("out", "net_null0,no-rx=1") + wire_section("a", "in", "out", "100");
  };
  std::filesystem::remove(capture);
  const auto done = lab().appliance->reload(accepted(with_input(lab().directory.file("none.pcap"))));
  REQUIRE(!done);
  CHECK(done.error().kind() == ApplianceFault::Kind::broken);
  CHECK_THAT(done.error().message(), Catch::Contains("the old configuration could not be restored: port in"));
  CHECK(lab().appliance->snapshot().not_ready_because == "port in is closed");
  write_pcap(capture, {tag(numbered(1), 100)});
  REQUIRE(refusal(with_input(capture)) == "done");
  CHECK(eventually([] { return transmitted_by(slice_now("a")) == 1; }));
}

TEST_CASE("3. a reload changes every port and slice", "[appliance]") {
  lab().pool = std::make_unique<PacketPool>(std::move(*PacketPool::create("frames", 4095, 2048)));
  lab().left = std::make_unique<RingDevice>("left");
  lab().right = std::make_unique<RingDevice>("right");
  REQUIRE(refusal(kBase) == "done");
  CHECK(lab().appliance->snapshot().config_generation == 3);
  CHECK(lab().appliance->snapshot().ports.at(1).name == "right");
  CHECK(lab().pass({tag(numbered(1), 100, 3)}) == std::vector<Frame>{tag(numbered(1), 100, 3)});
}

TEST_CASE("4. a slice that stays keeps its counters and its packets while others come and go",
          "[appliance]") {
  const uint64_t before = received_by(slice_now("stays"));
  const std::string guest = wire_section("guest", "left", "right", "200");
  uint32_t sent = 0;
  for (int round = 0; round < 10; ++round) {
    std::vector<Frame> frames;
    for (uint32_t i = 0; i < 50; ++i) frames.push_back(tag(numbered(sent++), 100));
    for (const Frame& frame : frames) lab().left->inject(*lab().pool, frame);
    REQUIRE(refusal(round % 2 == 0 ? appliance_section() + kLeft + kRight + guest +
                                         wire_section("stays", "left", "right", "100")
                                   : kBase) == "done");
    CHECK(lab().appliance->snapshot().slices.size() == (round % 2 == 0 ? 2 : 1));
    std::vector<Frame> seen;
    CHECK(eventually([&] {
      for (Frame& frame : lab().right->collect()) seen.push_back(std::move(frame));
      return seen.size() == frames.size();
    }));
    CHECK(seen == frames);
  }
  CHECK(eventually([&] { return transmitted_by(slice_now("stays")) == before + sent; }));
  CHECK(received_by(slice_now("stays")) == before + sent);
  CHECK(sum_of(slice_now("stays").dropped) == 0);
}

TEST_CASE("5. a slice that changed forwards in its new way", "[appliance]") {
  REQUIRE(refusal(appliance_section() + kLeft + kRight + R"([[slice]]
name = "stays"
flowspace = [{port = "left", vlan = 100}, {port = "right", vlan = "untagged"}]
)") == "done");
  CHECK(slice_now("stays").forward == "switch");
  CHECK(lab().pass({tag(numbered(1), 100)}) == std::vector<Frame>{numbered(1)});
  CHECK(eventually([] { return slice_now("stays").learned_addresses == 1; }));
  REQUIRE(refusal(kBase) == "done");
}

TEST_CASE("6. a refused reload changes nothing and says why", "[appliance]") {
  struct Row {
    const char* description;
    std::string text;
    std::string begins;
  };
  const std::string slice = wire_section("stays", "left", "right", "100");
  const std::vector<Row> rows{
      {"other memory", "[appliance]\nmemory = \"128MiB\"\n" + kLeft + kRight + slice,
       "lab.toml: [appliance] and [stats] cannot change while the appliance runs"},
      {"another endpoint", kBase + "[stats]\nlisten = \"127.0.0.1:9999\"\n",
       "lab.toml: [appliance] and [stats] cannot change while the appliance runs"},
      {"a device that is not there", kBase + port_section("third", "net_nonsense0"),
       "port third (device net_nonsense0): no DPDK driver has this name"},
      {"a device that is there after one that is not, under a new name",
       appliance_section() + kLeft + port_section("other", "net_ring_right") +
           port_section("third", "net_nonsense0") + wire_section("stays", "left", "other", "100"),
       "port third (device net_nonsense0): no DPDK driver has this name"},
      {"more than the line rate guaranteed", kBase + "[slice.bandwidth]\nguarantee = \"11Gbps\"\n",
       "lab.toml:"},
      {"memory for queues too short to work with", kBase + "[slice.memory]\npackets = 8\n",
       "lab.toml:13:1: slice \"stays\" has 8 packets of memory for its 6 queues, which need 96"}};
  for (const Row& row : rows) {
    INFO(row.description);
    const Snapshot before = lab().appliance->snapshot();
    const uint64_t received = received_by(before.slices.at(0));
    const std::string said = refusal(row.text);
    INFO(said);
    CHECK(said.starts_with(row.begins));
    const Snapshot after = lab().appliance->snapshot();
    CHECK(after.config_generation == before.config_generation);
    CHECK(after.last_apply == before.last_apply);
    CHECK(after.ready);
    CHECK(after.ports.size() == 2);
    CHECK(after.ports.at(1).name == "right");
    CHECK(received_by(after.slices.at(0)) == received);
    CHECK(lab().pass({tag(numbered(7), 100)}) == std::vector<Frame>{tag(numbered(7), 100)});
  }
}

TEST_CASE("6b. refused when devices had to be opened again, the old configuration is, and it is said",
          "[appliance]") {
  // The device's speed is known only once it is open with its other arguments.
  const std::string said =
      refusal(appliance_section() + kLeft + "[[port]]\nname = \"right\"\ndevice = \"net_ring_right,x=1\"\n" +
              wire_section("stays", "left", "right", "100") + "[slice.bandwidth]\nguarantee = \"11Gbps\"\n" +
              "[slice.bandwidth.left]\nguarantee = \"1Gbps\"\n");
  CHECK_THAT(said, Catch::Contains("more than its speed of 10Gbps"));
  CHECK_THAT(said,
             Catch::EndsWith("opened again, so that its counters and its slices' begin anew: port right"));
  CHECK(lab().appliance->snapshot().ready);
  CHECK(lab().appliance->snapshot().ports.size() == 2);
  CHECK(lab().pass({tag(numbered(7), 100)}) == std::vector<Frame>{tag(numbered(7), 100)});
}

TEST_CASE("7. a port can get another name, or another device", "[appliance]") {
  const uint64_t before = received_by(slice_now("stays"));
  REQUIRE(before > 0);
  REQUIRE(refusal(appliance_section() + kLeft + port_section("east", "net_ring_right") +
                  wire_section("stays", "left", "east", "100")) == "done");
  CHECK(lab().appliance->snapshot().ports.at(1).name == "east");
  CHECK(received_by(slice_now("stays")) == before);  // the device and the slice went on
  CHECK(lab().pass({tag(numbered(1), 100)}).size() == 1);
  // The devices change places: what came in at the right leaves at the left.
  REQUIRE(refusal(appliance_section() + port_section("left", "net_ring_right") +
                  port_section("right", "net_ring_left") + wire_section("stays", "left", "right", "100")) ==
          "done");
  CHECK(lab().pass({tag(numbered(2), 100)}).size() == 1);
  REQUIRE(refusal(appliance_section() + port_section("new", "net_null1,no-rx=1") + kLeft + kRight +
                  wire_section("stays", "left", "right", "100")) == "done");
  CHECK(lab().appliance->snapshot().ports.size() == 3);
  CHECK(lab().pass({tag(numbered(3), 100)}).size() == 1);
  REQUIRE(refusal(kBase) == "done");
}

TEST_CASE("8. stopped under load, an appliance has counted everything and holds nothing", "[appliance]") {
  REQUIRE(refusal(appliance_section() + kLeft + kRight + wire_section("stays", "left", "right", "100") +
                  R"([[slice]]
name = "lan"
flowspace = [{port = ["left", "right"], vlan = 200}]
)") == "done");
  const uint64_t unclaimed_before = sum_of(lab().appliance->snapshot().ports.at(0).unclaimed);
  const int64_t ahead_before = ahead_at_left(lab().appliance->snapshot());
  std::atomic<bool> done{false};
  uint64_t injected = 0;
  std::thread load([&] {
    while (!done) {
      const auto vlan = static_cast<uint16_t>(100 + injected % 3 * 100);  // 300 is nobody's
      const Packet packet = lab().pool->allocate(tag(numbered(static_cast<uint32_t>(injected)), vlan));
      if (packet.mbuf() == nullptr) continue;
      if (lab().left->inject(packet)) {
        ++injected;
      } else {
        free_packets({&packet, 1});
      }
    }
  });
  CHECK(eventually([] { return transmitted_by(slice_now("lan")) > 200; }));
  std::size_t taken = 0;
  // A port's count is never behind those of what became of its packets.
  int64_t least_ahead = ahead_before;
  const uint64_t enough = lab().appliance->snapshot().ports.at(0).received.packets + 50'000;
  CHECK(eventually([&] {
    taken += lab().right->discard();
    const Snapshot moment = lab().appliance->snapshot();
    least_ahead = std::min(least_ahead, ahead_at_left(moment));
    return moment.ports.at(0).received.packets >= enough;
  }));
  CHECK(least_ahead == ahead_before);
  lab().appliance->stop(
      std::chrono::milliseconds{200});  // nobody takes frames from the right: its ring is full
  done = true;
  load.join();

  const Snapshot seen = lab().appliance->snapshot();
  CHECK_FALSE(seen.ready);
  CHECK(seen.not_ready_because == "the appliance is stopping");
  uint64_t received = sum_of(seen.ports.at(0).unclaimed) - unclaimed_before;
  uint64_t transmitted = 0;
  for (const Snapshot::Slice& slice : seen.slices) {
    INFO(slice.name);
    CHECK(is_balanced(slice));
    CHECK(slice.input_queued_packets == 0);
    received += received_by(slice);
    transmitted += transmitted_by(slice);
  }
  CHECK(transmitted == taken + lab().right->discard());
  CHECK(received <= injected);
  CHECK(lab().appliance->packets_in_use() == 0);
  // What was never received is still in the ring on the left.
  const uint64_t waiting = lab().pool->in_use();
  CHECK(received + waiting == injected);
}

TEST_CASE("9. ended, it leaves its devices to whoever had them", "[appliance]") {
  lab().left.reset();
  lab().right.reset();
  CHECK(lab().pool->in_use() == 0);
  lab().pool.reset();
  lab().appliance.reset();
  const auto again = Appliance::start(
      accepted(appliance_section() + kLeft + kRight + wire_section("a", "left", "right", "1")), {0},
      [](const std::string&) {});
  REQUIRE(!again);
  CHECK(again.error().message() == "DPDK: can be started only once in a process; restart bulkhead");
}

}  // namespace
}  // namespace bulkhead
