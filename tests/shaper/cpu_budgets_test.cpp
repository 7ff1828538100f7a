// SPDX-License-Identifier: Apache-2.0
#include "shaper/cpu_budgets.hpp"

#include <catch2/catch.hpp>

#include "tests/shaper/box.hpp"

using namespace bulkhead;
using namespace bulkhead::test;

namespace {

constexpr uint64_t kHz = 2'000'000'000;

/// Slices at one port, and turns that are taken by hand.
struct Bench {
  explicit Bench(std::size_t count, std::vector<CpuShare> shares = {}) : box("bud", 1) {
    for (std::size_t i = 0; i < count; ++i)
      slices.push_back(Box::slice({.name = std::to_string(i), .places = {{.port = 0, .vlans = {vlan(i)}}}}));
    use(slices, std::move(shares));
  }
  static uint16_t vlan(std::size_t i) { return static_cast<uint16_t>(100 + i); }

  void use(const std::vector<BoxSlice>& some, std::vector<CpuShare> shares = {}) {
    auto next = box.layout(some, {.workers = 2, .shares = std::move(shares)});
    budgets.adopt(*next);
    layout = std::move(next);
  }
  void wait(std::size_t slice) { budgets.wait(*layout, slice, now); }
  /// The next turn, of which the slice makes a visit that costs so much.
  std::optional<std::size_t> turn(uint64_t cost, bool wants_more) {
    const auto slice = budgets.next(now);
    if (!slice) return std::nullopt;
    SliceRuntime& runtime = *layout->slices()[*slice];
    budgets.begin(runtime);
    runtime.cycles.add(cost);
    now += Cycles{cost};
    budgets.end(*layout, *slice, wants_more, now);
    return slice;
  }

  Box box;
  std::vector<BoxSlice> slices;
  CpuBudgets budgets{kHz};
  std::unique_ptr<Layout> layout;
  Cycles now{1'000};
};

constexpr CpuShare kTenth{.reserve = 0, .weight = 256, .cap = 1'000};

}  // namespace

TEST_CASE("turns are taken while contended, and by capped slices always", "[cpu_budgets]") {
  Bench bench(2, {{}, kTenth});
  CHECK_FALSE(bench.budgets.needs_turn(*bench.layout, 0));
  CHECK(bench.budgets.needs_turn(*bench.layout, 1));
  bench.budgets.contend();
  CHECK(bench.budgets.needs_turn(*bench.layout, 0));
  bench.wait(0);
  CHECK(bench.turn(100, false) == 0u);
  CHECK_FALSE(bench.turn(100, false));  // nobody is left
  CHECK_FALSE(bench.budgets.is_contended());
  CHECK(bench.budgets.nobody_waits());
}

TEST_CASE("who waits is marked as over its budget until it has caught up", "[cpu_budgets]") {
  Bench bench(2);
  bench.budgets.contend();
  bench.wait(1);
  CHECK(bench.layout->over_budget().marks(0) == 0b10);
  CHECK(bench.turn(100, true) == 1u);
  CHECK(bench.layout->over_budget().marks(0) == 0b10);
  CHECK(bench.turn(100, false) == 1u);
  CHECK(bench.layout->over_budget().marks(0) == 0);
  bench.budgets.contend();
  bench.wait(0);
  CHECK(bench.budgets.next(bench.now) == 0u);
  bench.budgets.pass_over(*bench.layout, 0, bench.now);
  CHECK(bench.layout->over_budget().marks(0) == 0);
  CHECK(bench.budgets.nobody_waits());
}

TEST_CASE("once nobody wants more, those who wait have their turns and nobody else needs one",
          "[cpu_budgets]") {
  Bench bench(3, {{}, {}, kTenth});
  bench.budgets.contend();
  bench.wait(0);
  bench.budgets.relax();
  CHECK_FALSE(bench.budgets.is_contended());
  CHECK_FALSE(bench.budgets.needs_turn(*bench.layout, 1));
  CHECK(bench.budgets.needs_turn(*bench.layout, 2));
  CHECK_FALSE(bench.budgets.nobody_waits());
  CHECK(bench.turn(100, false) == 0u);
  CHECK(bench.budgets.nobody_waits());
}

TEST_CASE("a slice pays for what is spent on it elsewhere while it waits", "[cpu_budgets]") {
  Bench bench(2);
  bench.budgets.contend();
  bench.wait(0);
  bench.wait(1);
  std::array<uint64_t, 2> visits{};
  SliceInput& flooded = *bench.slices[0].runtime->attachments()[0].input;
  SliceOutput& sending = *bench.slices[0].runtime->attachments()[0].output;
  for (int i = 0; i < 4'000; ++i) {
    const auto slice = bench.turn(1'000, true);
    REQUIRE(slice);
    ++visits[*slice];
    if (*slice != 0) continue;
    // Sorting its packets and sending them costs twice what its visits do.
    flooded.cycles.add(1'200);
    sending.cycles.add(800);
    bench.now += Cycles{2'000};
  }
  CHECK(static_cast<double>(visits[1]) == Approx(3.0 * static_cast<double>(visits[0])).epsilon(0.02));
}

TEST_CASE("what it cost while nobody waited, nobody is owed", "[cpu_budgets]") {
  Bench bench(2);
  bench.slices[0].runtime->cycles.add(kHz);
  bench.budgets.contend();
  bench.wait(0);
  bench.wait(1);
  std::array<uint64_t, 2> visits{};
  for (int i = 0; i < 1'000; ++i) ++visits[bench.turn(1'000, true).value()];
  CHECK(static_cast<double>(visits[0]) == Approx(500).epsilon(0.05));
}

TEST_CASE("a cap counts what is spent elsewhere, waited for or not", "[cpu_budgets]") {
  Bench bench(1, {kTenth});
  bench.wait(0);
  REQUIRE(bench.turn(1'000, false));
  // Work of 10 ms at once: at a tenth of a core it is 100 ms before the next visit but one.
  bench.slices[0].runtime->attachments()[0].input->cycles.add(kHz / 100);
  bench.wait(0);
  REQUIRE(bench.turn(1'000, true));
  CHECK_FALSE(bench.turn(1'000, true));
  const auto event = bench.budgets.next_event();
  REQUIRE(event);
  CHECK((*event - bench.now).count() >= kHz * 97 / 1'000);
  bench.now = *event;
  CHECK(bench.turn(1'000, true));
  CHECK(bench.slices[0].runtime->throttled.read() >= kHz * 97 / 1'000);
}

TEST_CASE("what a slice has paid at another worker it does not pay again", "[cpu_budgets]") {
  for (const CpuShare& share : {kTenth, CpuShare{}}) {
    Bench bench(2, {share, {}});
    bench.budgets.contend();
    bench.wait(0);
    bench.wait(1);
    for (int i = 0; i < 4; ++i) REQUIRE(bench.turn(1'000, i < 2));
    // Ten minutes with another, and back.
    bench.layout->move(0, 1);
    bench.slices[0].runtime->cycles.add(600 * kHz);
    bench.layout->move(0, 0);
    bench.now += Cycles{kHz};
    bench.wait(0);
    bench.wait(1);
    std::array<uint64_t, 2> visits{};
    for (int i = 0; i < 20; ++i) ++visits[bench.turn(1'000, true).value()];
    CHECK(visits[0] == 10);
  }
}

TEST_CASE("a slice that begins anew has not been throttled", "[cpu_budgets]") {
  Bench bench(1, {kTenth});
  bench.wait(0);
  while (bench.turn(10'000, true)) {
  }
  bench.now = bench.budgets.next_event().value();
  REQUIRE(bench.turn(10'000, true));
  CHECK(bench.slices[0].runtime->throttled.read() > 0);
  const BoxSlice fresh = Box::slice({.name = "new", .places = {{.port = 0, .vlans = {100}}}});
  bench.use({fresh}, {kTenth});
  REQUIRE(fresh.runtime->cpu_slot == bench.slices[0].runtime->cpu_slot);
  bench.wait(0);
  REQUIRE(bench.turn(10'000, true));
  CHECK(fresh.runtime->throttled.read() == 0);
}

TEST_CASE("another layout keeps the accounts of the slices that stay", "[cpu_budgets]") {
  Bench bench(3, {kTenth, {}, {}});
  bench.wait(0);
  while (bench.turn(10'000, true)) {
  }
  // The first is at its cap. The second goes, a new one comes, and all have other numbers.
  const BoxSlice fresh = Box::slice({.name = "new", .places = {{.port = 0, .vlans = {500}}}});
  bench.use({bench.slices[2], fresh, bench.slices[0]}, {{}, {}, kTenth});
  CHECK(fresh.runtime->cpu_slot == bench.slices[1].runtime->cpu_slot);  // free again
  bench.wait(2);
  CHECK_FALSE(bench.turn(10'000, true));
  bench.budgets.contend();
  bench.wait(1);
  CHECK(bench.turn(100, false) == 1u);
  // Without it nobody waits.
  bench.use({fresh});
  CHECK(bench.budgets.nobody_waits());
  // Another share, and it may go on.
  bench.use({fresh, bench.slices[0]}, {{}, kTenth});
  bench.wait(1);
  CHECK(bench.turn(10'000, true) == 1u);
}
