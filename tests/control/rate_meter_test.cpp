// SPDX-License-Identifier: Apache-2.0
#include "control/rate_meter.hpp"

#include <catch2/catch.hpp>

#include "tests/control/sample_snapshot.hpp"

using namespace bulkhead;
using namespace std::chrono_literals;

namespace {

bool has_any_rate(const Snapshot& snapshot) {
  const auto moving = [](const Snapshot::Traffic& traffic) {
    return traffic.packets_per_second != 0 || traffic.bits_per_second != 0;
  };
  for (const auto& slice : snapshot.slices) {
    for (const auto& port : slice.ports) {
      if (moving(port.received)) return true;
      for (const auto& part : port.transmitted) {
        if (moving(part)) return true;
      }
    }
  }
  for (const auto& port : snapshot.ports) {
    if (moving(port.received) || moving(port.transmitted)) return true;
  }
  return false;
}

/// The sample with its counters only: rates are what the meter is to find.
Snapshot counters_only() {
  Snapshot snapshot = sample_snapshot();
  const auto clear = [](Snapshot::Traffic& traffic) {
    traffic.packets_per_second = traffic.bits_per_second = 0;
  };
  for (auto& slice : snapshot.slices) {
    for (auto& port : slice.ports) {
      clear(port.received);
      for (auto& part : port.transmitted) clear(part);
    }
  }
  for (auto& port : snapshot.ports) clear(port.received), clear(port.transmitted);
  return snapshot;
}

}  // namespace

TEST_CASE("Rates are the difference to the snapshot before, over the time between") {
  RateMeter meter;
  Snapshot first = counters_only();
  meter.fill(first, 10s);
  CHECK_FALSE(has_any_rate(first));

  Snapshot second = counters_only();
  second.slices[1].ports[0].received.packets += 100;
  second.slices[1].ports[0].received.bytes += 6400;
  second.slices[0].ports[1].transmitted[5].packets += 4;
  second.slices[0].ports[1].transmitted[5].bytes += 500;
  second.ports[1].transmitted.packets += 1;
  second.ports[1].transmitted.bytes += 64;
  meter.fill(second, 10s + 500ms);
  CHECK(second.slices[1].ports[0].received.packets_per_second == 200);
  CHECK(second.slices[1].ports[0].received.bits_per_second == 102'400);
  CHECK(second.slices[0].ports[1].transmitted[5].packets_per_second == 8);
  CHECK(second.slices[0].ports[1].transmitted[5].bits_per_second == 8000);
  CHECK(second.ports[1].transmitted.packets_per_second == 2);
  CHECK(second.ports[1].transmitted.bits_per_second == 1024);
  CHECK(second.slices[0].ports[0].received.packets_per_second == 0);

  Snapshot third = second;
  meter.fill(third, 11s);
  CHECK_FALSE(has_any_rate(third));
}

TEST_CASE("A counter that went backwards and an interval without length give no rate") {
  RateMeter meter;
  Snapshot first = counters_only();
  meter.fill(first, 1s);

  Snapshot restarted = counters_only();
  restarted.slices[0].ports[0].received.packets = 1;
  restarted.slices[0].ports[0].received.bytes = 64;
  meter.fill(restarted, 2s);
  CHECK_FALSE(has_any_rate(restarted));

  Snapshot at_once = counters_only();
  at_once.ports[0].received.packets += 1000;
  const auto now = GENERATE(2s, 1s);
  meter.fill(at_once, now);
  CHECK_FALSE(has_any_rate(at_once));
}

TEST_CASE("Slices are found by name where their place has changed, and new ones start at no rate") {
  RateMeter meter;
  Snapshot first = counters_only();
  meter.fill(first, 1s);

  Snapshot second = counters_only();
  std::swap(second.slices[0], second.slices[1]);
  std::swap(second.slices[0].ports[0], second.slices[0].ports[1]);
  std::swap(second.ports[0], second.ports[1]);
  Snapshot::Slice added = second.slices[0];
  added.name = "new";
  second.slices.insert(second.slices.begin(), added);
  meter.fill(second, 2s);
  CHECK_FALSE(has_any_rate(second));

  Snapshot third = second;
  third.slices[0].ports[0].received.packets += 7;
  third.slices.erase(third.slices.begin() + 1);
  meter.fill(third, 3s);
  CHECK(third.slices[0].ports[0].received.packets_per_second == 7);
}
