// SPDX-License-Identifier: Apache-2.0
// Slices that stay as they are notice nothing of others that come, change and go, however fast.
#include <algorithm>
#include <array>
#include <atomic>
#include <catch2/catch.hpp>
#include <chrono>
#include <thread>

#include "tests/control/lab.hpp"
#include "tests/support/frames.hpp"
#include "tests/support/ring_device.hpp"

namespace bulkhead {
namespace {

using namespace test;

constexpr MacAddress kStation{0x0200'0000'0001ull};

/// The guest stands first, so that all slices' numbers change when it comes and goes.
std::string text(std::size_t version) {
  const std::array<std::string, 4> guests{
      "", wire_section("guest", "left", "right", "300"),
      wire_section("guest", "left", "right", "300") + "bandwidth = { ceiling = \"1Gbps\" }\n",
      wire_section("guest", "left", "third", "300")};
  return appliance_section() + port_section("left", "net_ring_left") +
         port_section("right", "net_ring_right") + port_section("third", "net_ring_third") +
         guests[version % guests.size()] + wire_section("stays", "left", "right", "100") +
         "[[slice]]\nname = \"lan\"\nflowspace = [{port = [\"left\", \"right\"], vlan = 200}]\n";
}

/// Numbered frames of the slice that stays, never more under way than any queue holds, and the guest's
/// between them.
class Traffic {
 public:
  Traffic(const PacketPool& pool, RingDevice& left, RingDevice& right, RingDevice& third)
      : pool_(pool), left_(left), right_(right), third_(third), thread_([this] { run(); }) {}
  ~Traffic() { stop(); }
  Traffic(const Traffic&) = delete;
  Traffic& operator=(const Traffic&) = delete;

  void stop() {
    stopping_ = true;
    if (thread_.joinable()) thread_.join();
  }
  [[nodiscard]] uint32_t arrived() const { return arrived_; }
  [[nodiscard]] uint32_t sent() const { return sent_; }
  [[nodiscard]] uint32_t out_of_order() const { return out_of_order_; }

  /// All that is sent is taken in, once stopped.
  bool drain() {
    return eventually([this] {
      take();
      return arrived_ == sent_;
    });
  }

 private:
  static constexpr uint32_t kUnderWay = 128;

  void run() {
    while (!stopping_) {
      if (sent_ - arrived_ < kUnderWay && left_.offer(pool_, tag(numbered(sent_), 100))) {
        ++sent_;
        (void)left_.offer(pool_, tag(numbered(sent_), 300));
      }
      take();
    }
  }

  void take() {
    third_.discard();
    for (const Frame& frame : right_.collect()) {
      if ((load_be16(frame.data() + 14) & 0xfff) != 100) continue;
      if (number_of(std::span(frame).subspan(4)) != arrived_) ++out_of_order_;
      ++arrived_;
    }
  }

  const PacketPool& pool_;
  RingDevice& left_;
  RingDevice& right_;
  RingDevice& third_;
  std::atomic<uint32_t> sent_{0};
  std::atomic<uint32_t> arrived_{0};
  std::atomic<uint32_t> out_of_order_{0};
  std::atomic<bool> stopping_{false};
  std::thread thread_;  // last: uses all others
};

Snapshot::Slice slice(const Appliance& appliance, const std::string& name) {
  Snapshot seen = appliance.snapshot();
  const auto found = std::ranges::find(seen.slices, name, &Snapshot::Slice::name);
  if (found == seen.slices.end()) FAIL("no slice " << name);
  return *found;
}

TEST_CASE("others are added, re-rated, moved and removed, and a slice that stays loses nothing",
          "[reload_stress]") {
  auto appliance =
      start_appliance(appliance_section() + port_section("left", "net_null0,no-rx=1") +
                      port_section("right", "net_null1,no-rx=1") + wire_section("any", "left", "right", "1"));
  auto pool = PacketPool::create("frames", 4095, 2048);
  REQUIRE(pool);
  {
    RingDevice left("left");
    RingDevice right("right");
    RingDevice third("third");
    REQUIRE(appliance->reload(accepted(text(0))));
    left.inject(*pool, tag(udp(kStation, kEveryone), 200));
    REQUIRE(eventually([&] { return slice(*appliance, "lan").learned_addresses == 1; }));
    Traffic traffic(*pool, left, right, third);
    const uint64_t generation = appliance->generation();
    constexpr uint64_t kReloads = 200;
    uint64_t received = 0;
    for (uint64_t version = 1; version <= kReloads; ++version) {
      REQUIRE(appliance->reload(accepted(text(version))));
      const uint64_t now = received_by(slice(*appliance, "stays"));
      CHECK(now >= received);
      received = now;
      const uint32_t arrived = traffic.arrived();
      CHECK(eventually([&] { return traffic.arrived() > arrived; }));
    }
    CHECK(appliance->generation() == generation + kReloads);
    traffic.stop();
    CHECK(traffic.drain());
    CHECK(traffic.out_of_order() == 0);
    const Snapshot::Slice stays = slice(*appliance, "stays");
    CHECK(received_by(stays) == traffic.sent());
    CHECK(transmitted_by(stays) == traffic.sent());
    CHECK(sum_of(stays.dropped) == 0);
    CHECK(slice(*appliance, "lan").learned_addresses == 1);
    appliance->stop(std::chrono::milliseconds{500});
  }
  CHECK(appliance->packets_in_use() == 0);
  CHECK(pool->in_use() == 0);
}

}  // namespace
}  // namespace bulkhead
