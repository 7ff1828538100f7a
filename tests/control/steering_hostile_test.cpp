// SPDX-License-Identifier: Apache-2.0
// NICs that do not do as they are told.
#include <array>
#include <catch2/catch.hpp>
#include <random>

#include "tests/control/steered_lab.hpp"

namespace bulkhead {
namespace {

using namespace test;

/// VLAN of a tagged frame.
uint16_t vid_of(const Frame& frame) { return load_be16(frame.data() + 14) & 0xfff; }

constexpr std::array<uint16_t, 4> kVlans{100, 200, 300, 400};

/// Wires in those VLANs, each of which leaves with a VLAN of its own, so that a frame in a wrong slice would
/// show. Queues are given in the order of `vlans`.
std::string telling_wires(std::span<const uint16_t> vlans, const std::string& flow_rules = "auto") {
  std::string text = SteeredLab::ports(flow_rules);
  for (const uint16_t vlan : vlans)
    text += "[[slice]]\nname = \"v" + std::to_string(vlan) + "\"\nforward = \"wire\"\nflowspace = [" +
            "{port = \"left\", vlan = " + std::to_string(vlan) +
            "}, {port = \"right\", vlan = " + std::to_string(vlan + 1) + "}]\n";
  return text;
}

/// Frames of the slices in turn, and what became of them.
class HostileTraffic {
 public:
  explicit HostileTraffic(SteeredLab& lab) : lab_(lab) {}

  void send(uint32_t number) {
    const bool taken = lab_.send(tag(numbered(number), kVlans[number % kVlans.size()]));
    sent_ += taken ? 1 : 0;
    if (!taken || number % 64 == 0) take();
  }

  /// Every frame has left, or was dropped and counted; the strangers among them.
  uint64_t finish() {
    CHECK(eventually([&] {
      take();
      return lab_.accounted_at_left() == sent_;
    }));
    // Received is not yet sent: what is on its way may still be dropped.
    uint64_t strangers = 0;
    CHECK(eventually([&] {
      take();
      uint64_t dropped = 0;
      strangers = 0;
      for (const Snapshot::Slice& slice : lab_.appliance().snapshot().slices) {
        strangers += slice.ports.at(0).isolation_violations;
        dropped += sum_of(slice.dropped);
      }
      return seen_ + strangers + dropped == sent_;
    }));
    return strangers;
  }

 private:
  void take() {
    for (const Frame& frame : lab_.received()) {
      ++seen_;
      const uint32_t number = number_of(std::span(frame).subspan(4));
      if (vid_of(frame) != kVlans[number % kVlans.size()] + 1)
        FAIL("frame " << number << " left in VLAN " << vid_of(frame));
    }
  }

  SteeredLab& lab_;
  uint64_t sent_ = 0;
  uint64_t seen_ = 0;
};

TEST_CASE("a hostile NIC gets no packet into a wrong slice", "[steering]") {
  SteeredLab lab("mlx5");
  lab.start(telling_wires(kVlans));
  HostileTraffic traffic(lab);
  std::mt19937 random(23);
  lab.misled = [&](QueueId honest) {
    return random() % 3 == 0 ? QueueId{static_cast<uint16_t>(random() % 6)} : honest;
  };
  constexpr uint32_t kFrames = 2'000'000;
  for (uint32_t i = 0; i < kFrames; ++i) {
    traffic.send(i);
    // Half of the time it is trusted whatever it does; then it is found out.
    const std::size_t rules = lab.left_nic().rules().size();
    if (rules > 0 && random() % 10'000 == 0) lab.left_nic().lose_rule(random() % rules);
    if (i > kFrames / 2 && i % 100'000 == 0) lab.appliance().audit();
  }
  CHECK(traffic.finish() > 0);
}

TEST_CASE("nor does one that mistakes VLANs for each other now and then", "[steering]") {
  SteeredLab lab("mlx5");
  lab.start(telling_wires(kVlans));
  HostileTraffic traffic(lab);
  std::mt19937 random(29);
  lab.left_nic().misread = [&](uint16_t vid) {
    return random() % 5 == 0 ? kVlans[random() % kVlans.size()] : vid;
  };
  for (uint32_t i = 0; i < 300'000; ++i) traffic.send(i);
  CHECK(traffic.finish() > 0);
}

TEST_CASE("nor does one that is late with rules, whatever is applied meanwhile", "[steering]") {
  SteeredLab lab("mlx5");
  constexpr std::array<uint16_t, 4> kTurned{400, 300, 200, 100};
  const std::array<std::string, 4> texts{telling_wires(kTurned), telling_wires(kVlans, "software"),
                                         telling_wires(kVlans), telling_wires(kVlans, "software")};
  lab.start(telling_wires(kVlans));
  std::mt19937 random(31);
  lab.left_nic().late = [&] { return random() % 3'000; };
  HostileTraffic traffic(lab);
  uint32_t applies = 0;
  for (uint32_t i = 0; i < 400'000; ++i) {
    traffic.send(i);
    // Queues change hands, with frames of before in them, and rules for them are yet to come.
    if (random() % 2'000 == 0) CHECK(lab.reload(texts[applies++ % texts.size()]) == "done");
  }
  CHECK(applies > 100);
  CHECK(traffic.finish() > 0);
}

TEST_CASE("a NIC that marks at random gets no packet into a wrong slice", "[steering]") {
  SteeredLab lab(marking_nic());
  lab.start(telling_wires(kVlans));
  HostileTraffic traffic(lab);
  std::mt19937 random(37);
  lab.mismarked = [&](uint32_t honest) {
    return random() % 3 == 0 ? static_cast<uint32_t>(random() % 6) : honest;
  };
  for (uint32_t i = 0; i < 300'000; ++i) {
    traffic.send(i);
    if (i == 200'000) lab.appliance().audit();
  }
  CHECK(traffic.finish() > 0);
}

TEST_CASE("marks of before are held against nobody", "[steering]") {
  SteeredLab lab(marking_nic());
  constexpr std::array<uint16_t, 4> kTurned{400, 300, 200, 100};
  const std::array<std::string, 4> texts{telling_wires(kTurned), telling_wires(kVlans, "software"),
                                         telling_wires(kVlans), telling_wires(kVlans, "software")};
  lab.start(telling_wires(kVlans));
  HostileTraffic traffic(lab);
  for (uint32_t i = 0; i < 200'000; ++i) {
    traffic.send(i);
    if (i % 2'000 == 999) CHECK(lab.reload(texts[i / 2'000 % texts.size()]) == "done");
  }
  CHECK(traffic.finish() == 0);
}

}  // namespace
}  // namespace bulkhead
