// SPDX-License-Identifier: Apache-2.0
#include "shaper/egress_changes.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <vector>

#include "nic/clock.hpp"
#include "tests/shaper/box.hpp"

using namespace bulkhead;
using namespace bulkhead::test;

namespace {

using Kind = EgressChanges::Change::Kind;

/// A port's way out, and slices that could send there.
struct Bench {
  explicit Bench(const std::string& name, std::size_t slices = 1, BitsPerSecond speed = 400_Gbps)
      : box(name, 1), egress(box.port(0).port, {.speed = speed, .clock_hz = clock_hz()}) {
    for (std::size_t i = 0; i < slices; ++i) {
      runtimes.push_back(
          Box::unconnected(SliceSpec{.name = std::to_string(i), .places = {{.port = 0}}, .capacity = 1024}));
      outputs.push_back(runtimes.back()->attachments()[0].output.get());
    }
  }
  ~Bench() {
    for (SliceOutput* output : outputs)
      if (output->slot != SliceOutput::kNoSlot) egress.detach(*output, DropReason::shutdown);
  }
  [[nodiscard]] std::vector<EgressChanges::Change> each(Kind kind) const {
    std::vector<EgressChanges::Change> all;
    for (SliceOutput* output : outputs) all.push_back({.kind = kind, .output = output});
    return all;
  }
  [[nodiscard]] std::size_t attached() const {
    return static_cast<std::size_t>(std::ranges::count_if(
        outputs, [](const SliceOutput* output) { return output->slot != SliceOutput::kNoSlot; }));
  }

  Box box;
  Egress egress;
  std::vector<std::shared_ptr<SliceRuntime>> runtimes;
  std::vector<SliceOutput*> outputs;
  EgressChanges changes;
};

}  // namespace

TEST_CASE("what is wanted of a port is done by whoever visits it, in order", "[egress_changes]") {
  Bench bench("ec-a");
  CHECK(bench.changes.are_made());
  SliceRates slow = bench.outputs[0]->plan.rates;
  slow.rates.ceiling = 10_Mbps;
  bench.changes.post({{.kind = Kind::attach, .output = bench.outputs[0]},
                      {.kind = Kind::rates, .output = bench.outputs[0], .rates = slow},
                      {.kind = Kind::speed, .speed = 1_Gbps}});
  CHECK_FALSE(bench.changes.are_made());
  CHECK(bench.attached() == 0);
  bench.changes.make_some(bench.egress);
  CHECK(bench.changes.are_made());
  CHECK(bench.attached() == 1);
  CHECK(bench.outputs[0]->plan.rates == slow);
  CHECK(bench.egress.speed() == 1_Gbps);
  bench.changes.make_some(bench.egress);
  CHECK(bench.egress.speed() == 1_Gbps);
}

TEST_CASE("many changes are made in several visits, so that nobody waits long for one", "[egress_changes]") {
  Bench bench("ec-b", 40);
  bench.changes.post(bench.each(Kind::attach));
  bench.changes.make_some(bench.egress);
  CHECK(bench.attached() == 16);
  bench.changes.make_some(bench.egress);
  CHECK_FALSE(bench.changes.are_made());
  bench.changes.make_some(bench.egress);
  CHECK(bench.changes.are_made());
  CHECK(bench.attached() == 40);
}

TEST_CASE("what waits of a slice that goes is dropped in several visits", "[egress_changes]") {
  constexpr uint32_t kPackets = 600;
  Bench bench("ec-c", 1, 1_Mbps);
  SliceOutput& output = *bench.outputs[0];
  bench.egress.attach(output);
  ReadySet ready(1);
  CpuMeter meter(clock_now());
  for (uint32_t i = 0; i < kPackets; ++i) {
    const Packet packet = packet_of(bench.box.pool(), numbered(i), meter.now());
    const auto pcp = static_cast<uint8_t>(i % 2);  // a class queue alone has no room for so many
    packet.state().pcp = pcp;
    REQUIRE(output.ring.push({&packet, 1}) == 1);
    output.entered[pcp].add(1);
    output.all_entered.add(1);
    ready.mark(0);
    if (i % 32 == 31 || i + 1 == kPackets) bench.egress.visit(ready, bench.outputs, meter);
  }
  const uint64_t waiting = output.queued();
  REQUIRE(waiting > 512);
  bench.changes.post(bench.each(Kind::detach));
  bench.changes.make_some(bench.egress);
  CHECK_FALSE(bench.changes.are_made());
  CHECK(output.queued() == waiting - 256);
  int visits = 1;
  for (; !bench.changes.are_made(); ++visits) bench.changes.make_some(bench.egress);
  CHECK(visits == 3);
  CHECK(output.slot == SliceOutput::kNoSlot);
  CHECK(output.dropped.read(DropReason::shutdown) == waiting);
}
