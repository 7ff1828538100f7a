// SPDX-License-Identifier: Apache-2.0
// A whole appliance with traffic, reloads and scrapes at the same time, for ThreadSanitizer to watch.
#include <atomic>
#include <catch2/catch.hpp>
#include <random>

#include "control/metrics.hpp"
#include "control/snapshot_source.hpp"
#include "tests/control/lab.hpp"
#include "tests/support/eal.hpp"
#include "tests/support/frames.hpp"
#include "tests/support/ring_device.hpp"

namespace bulkhead {
namespace {

using namespace test;

const std::string kPorts = port_section("left", "net_ring_left") + port_section("right", "net_ring_right");
const std::string kStays = wire_section("stays", "left", "right", "100");
const std::string kLan = R"([[slice]]
name = "lan"
flowspace = [{port = ["left", "right"], vlan = "200-210"}]
)";
const std::string kGuest = wire_section("guest", "left", "right", "300");

/// Frames of all slices, of nobody and of no sense, into both sides and out of them.
class Traffic {
 public:
  Traffic(const PacketPool& pool, RingDevice& left, RingDevice& right)
      : pool_(pool), left_(left), right_(right), thread_([this] { run(); }) {}
  ~Traffic() { stop(); }
  void stop() {
    stopping_ = true;
    if (thread_.joinable()) thread_.join();
  }

 private:
  void run() {
    std::mt19937 random(17);
    while (!stopping_) {
      for (int i = 0; i < 16; ++i) {
        Frame frame = tag(udp(MacAddress{0x0200'0000'0000ull + random() % 20},
                              random() % 4 == 0 ? kEveryone : MacAddress{0x0200'0000'0000ull + random() % 20},
                              60 + random() % 1500),
                          static_cast<uint16_t>(100 + random() % 4 * 100));
        if (random() % 30 == 0) frame.resize(random() % 17);
        const Packet packet = pool_.allocate(frame);
        if (packet.mbuf() != nullptr && !(random() % 2 == 0 ? left_ : right_).inject(packet))
          free_packets({&packet, 1});
      }
      left_.discard();
      right_.discard();
      std::this_thread::yield();
    }
  }

  const PacketPool& pool_;
  RingDevice& left_;
  RingDevice& right_;
  std::atomic<bool> stopping_{false};
  std::thread thread_;  // last: uses all others
};

TEST_CASE("traffic, reloads and scrapes do not get into each other's way", "[appliance_stress]") {
  auto appliance = start_appliance(appliance_section(2) + port_section("left", "net_null0,no-rx=1") +
                                   port_section("right", "net_null1,no-rx=1") + kStays);
  auto pool = PacketPool::create("frames", 4095, 2048);
  REQUIRE(pool);
  {
    RingDevice left("left");
    RingDevice right("right");
    // A port that is renamed has its device opened again; a slice whose text stays is taken along.
    const std::string renamed =
        port_section("left", "net_ring_left") + port_section("east", "net_ring_right");
    const std::vector<std::string> texts{
        appliance_section(2) + kPorts + kStays + kLan,
        appliance_section(2) + kPorts + kStays + kLan + kGuest,
        appliance_section(2) + kPorts + kGuest + kLan + kStays,
        appliance_section(2) + kPorts + kStays,
        appliance_section(2) + renamed + wire_section("stays", "left", "east", "100"),
        appliance_section(2) + kPorts + kStays + port_section("third", "net_nonsense0")};  // refused
    REQUIRE(appliance->reload(accepted(texts[0])));
    Traffic traffic(*pool, left, right);
    SnapshotSource source;
    source.attach(appliance.get());
    std::atomic<bool> done{false};
    std::atomic<uint64_t> scrapes{0};
    std::thread scraper([&] {
      while (!done) {
        const std::string text = metrics_text(*source.latest(), MetricsFormat::prometheus);
        if (!text.empty() && !appliance->snapshot().ports.empty()) ++scrapes;
      }
    });
    int refused = 0;
    for (std::size_t round = 0; round < 60; ++round) {
      if (!appliance->reload(accepted(texts[round % texts.size()]))) ++refused;
      const uint64_t seen = scrapes;
      CHECK(eventually([&] { return scrapes > seen; }));
    }
    CHECK(refused == 10);
    REQUIRE(appliance->reload(accepted(texts[1])));
    appliance->stop(std::chrono::milliseconds{500});
    done = true;
    scraper.join();
    traffic.stop();
    source.attach(nullptr);
    for (const Snapshot::Slice& slice : appliance->snapshot().slices) {
      INFO(slice.name);
      CHECK(is_balanced(slice));
    }
  }
  CHECK(appliance->packets_in_use() == 0);
  CHECK(pool->in_use() == 0);
}

}  // namespace
}  // namespace bulkhead
