// SPDX-License-Identifier: Apache-2.0
#include "shaper/cpu_scheduler.hpp"

#include <catch2/catch.hpp>
#include <functional>
#include <numeric>
#include <random>

using namespace bulkhead;

namespace {

constexpr uint64_t kHz = 2'000'000'000;
constexpr Cycles kTurn{10'000};  // 5 us
constexpr uint64_t kMillisecond = kHz / 1'000;

/// A worker in virtual time: slices that cost what they cost, and take what they are given.
class Core {
 public:
  using Cost = std::function<uint64_t()>;

  explicit Core(const std::vector<CpuShare>& shares)
      : scheduler({.hz = kHz, .turn = kTurn, .slices = static_cast<uint16_t>(shares.size())}),
        used(shares.size()) {
    for (std::size_t i = 0; i < shares.size(); ++i) scheduler.configure(id(i), shares[i]);
  }

  static SliceId id(std::size_t slice) { return SliceId{static_cast<uint16_t>(slice)}; }
  void activate(std::size_t slice) { scheduler.activate(id(slice), Cycles{now}); }

  /// One visit, or a step of waiting where nobody may run. `more(slice)`: whether it has work left.
  template <class CostOf, class More>
  std::optional<std::size_t> step(CostOf cost_of, More more) {
    const auto slice = scheduler.next(Cycles{now});
    if (!slice) {
      const auto event = scheduler.next_event();
      now = event ? std::max(now + 1, event->count()) : now + kTurn.count();
      return std::nullopt;
    }
    const uint64_t cost = cost_of(slice->value());
    now += cost;
    used[slice->value()] += cost;
    scheduler.charge(Cycles{cost}, more(slice->value()), Cycles{now});
    return slice->value();
  }
  /// Everyone who is active always has work.
  template <class CostOf>
  void run(uint64_t cycles, CostOf cost_of) {
    for (const uint64_t end = now + cycles; now < end;) step(cost_of, [](std::size_t) { return true; });
  }

  [[nodiscard]] double share(std::size_t slice) const {
    return static_cast<double>(used[slice]) /
           static_cast<double>(std::accumulate(used.begin(), used.end(), uint64_t{0}));
  }

  CpuScheduler scheduler;
  std::vector<uint64_t> used;
  uint64_t now = 1'000;
};

/// The same numbers every time.
struct Random {
  explicit Random(uint32_t seed) : engine(seed) {}
  uint32_t operator()() { return static_cast<uint32_t>(engine()); }
  std::mt19937 engine;
};

uint64_t cheap(std::size_t) { return 2'000; }

/// Most that was used in any window of so many cycles, from (end, cost) of each visit in order.
uint64_t most_in_window(const std::vector<std::pair<uint64_t, uint64_t>>& visits, uint64_t window) {
  uint64_t most = 0;
  uint64_t sum = 0;
  std::size_t first = 0;
  for (const auto& [end, cost] : visits) {
    sum += cost;
    while (visits[first].first + window <= end) sum -= visits[first++].second;
    most = std::max(most, sum);
  }
  return most;
}

}  // namespace

TEST_CASE("nobody is visited who has no work", "[cpu_scheduler]") {
  Core core(std::vector<CpuShare>(2));
  CHECK(core.scheduler.empty());
  CHECK_FALSE(core.scheduler.next(Cycles{5}));
  core.activate(1);
  CHECK_FALSE(core.scheduler.empty());
  CHECK(core.scheduler.next(Cycles{6}) == Core::id(1));
  core.scheduler.charge(Cycles{100}, false, Cycles{106});
  CHECK(core.scheduler.empty());
  CHECK_FALSE(core.scheduler.next(Cycles{107}));
  CHECK_FALSE(core.scheduler.next_event());
}

TEST_CASE("equal weights have equal time, whatever a visit costs", "[cpu_scheduler]") {
  Core core(std::vector<CpuShare>(4));
  for (std::size_t i = 0; i < 4; ++i) core.activate(i);
  core.run(kHz / 10, [](std::size_t slice) { return uint64_t{1'000} << (2 * slice); });  // up to 6 turns
  for (std::size_t i = 0; i < 4; ++i) CHECK(core.share(i) == Approx(0.25).epsilon(0.001));
}

TEST_CASE("time follows weights, from 1 to 65535", "[cpu_scheduler]") {
  Core core({{.reserve = 0, .weight = 1, .cap = {}},
             {.reserve = 0, .weight = 2, .cap = {}},
             {.reserve = 0, .weight = 4, .cap = {}},
             {.reserve = 0, .weight = 1'000, .cap = {}},
             {.reserve = 0, .weight = 65'535, .cap = {}}});
  for (std::size_t i = 0; i < 5; ++i) core.activate(i);
  core.run(20 * kHz, cheap);
  for (std::size_t i = 0; i < 5; ++i) {
    const double weights[] = {1, 2, 4, 1'000, 65'535};
    CHECK(core.share(i) == Approx(weights[i] / 66'542).epsilon(0.01));
  }
}

TEST_CASE("a reserve comes on top of the share of the rest", "[cpu_scheduler]") {
  Core core({{.reserve = 3'000, .weight = 256, .cap = {}}, {}, {}});
  for (std::size_t i = 0; i < 3; ++i) core.activate(i);
  core.run(kHz / 2, [](std::size_t slice) { return slice == 0 ? uint64_t{3'000} : uint64_t{25'000}; });
  // 30 % and a third of 70 %.
  CHECK(core.share(0) == Approx(0.3 + 0.7 / 3).epsilon(0.002));
  CHECK(core.share(1) == Approx(0.7 / 3).epsilon(0.002));
}

TEST_CASE("what the worker spends on nobody comes out of the rest, not out of reserves", "[cpu_scheduler]") {
  Core core({{.reserve = 4'000, .weight = 1, .cap = {}}, {.reserve = 0, .weight = 10'000, .cap = {}}});
  core.activate(0);
  core.activate(1);
  const uint64_t start = core.now;
  while (core.now < start + kHz / 2) {
    core.step(cheap, [](std::size_t) { return true; });
    core.now += 500;  // a fifth of the core is overhead
  }
  CHECK(static_cast<double>(core.used[0]) / static_cast<double>(core.now - start) ==
        Approx(0.4).epsilon(0.005));
}

TEST_CASE("a cap holds on an idle core", "[cpu_scheduler]") {
  Core core({{.reserve = 0, .weight = 256, .cap = 2'500}});
  core.activate(0);
  const uint64_t start = core.now;
  for (int tenth = 1; tenth <= 10; ++tenth) {
    const uint64_t before = core.used[0];
    core.run(kHz / 10, [](std::size_t) { return 7'000; });
    CHECK(static_cast<double>(core.used[0] - before) / (kHz / 10.0) == Approx(0.25).epsilon(0.03));
  }
  CHECK(static_cast<double>(core.used[0]) / static_cast<double>(core.now - start) ==
        Approx(0.25).epsilon(0.01));
  // The rest of the time it had to wait, but for what the first period allowed it beyond.
  CHECK(static_cast<double>(core.scheduler.throttled(Core::id(0)).count()) ==
        Approx(0.75 * kHz).epsilon(0.01));
}

TEST_CASE("who is at its cap waits without being in anybody's way", "[cpu_scheduler]") {
  Core core({{.reserve = 1'000, .weight = 10'000, .cap = 1'000}, {}});
  core.activate(0);
  core.activate(1);
  core.run(kHz / 2, cheap);
  CHECK(core.share(0) == Approx(0.1).epsilon(0.02));
  CHECK(core.scheduler.throttled(Core::id(1)) == Cycles{0});
}

TEST_CASE("no window has more than the cap, a period of it and one visit", "[cpu_scheduler]") {
  Random random(3);
  for (int run = 0; run < 200; ++run) {
    const uint32_t cap = 100 + random() % 9'000;
    Core core({{.reserve = 0, .weight = 256, .cap = cap}, {}});
    const uint64_t dearest = 1'000 + random() % 60'000;
    std::vector<std::pair<uint64_t, uint64_t>> visits;
    const bool is_alone = random() % 2 == 0;
    while (core.now < kHz / 20) {
      core.activate(0);
      if (!is_alone) core.activate(1);
      const auto who = core.step([&](std::size_t) { return 1 + random() % dearest; },
                                 [&](std::size_t) { return random() % 4 != 0; });
      if (who == 0u) visits.emplace_back(core.now, core.used[0]);
      if (random() % 50 == 0) core.now += random() % (3 * kMillisecond);
    }
    for (std::size_t i = visits.size(); i-- > 1;) visits[i].second -= visits[i - 1].second;
    for (const uint64_t window : {kMillisecond, 10 * kMillisecond, 40 * kMillisecond}) {
      const uint64_t allowed =
          (window + kMillisecond) * cap / CpuShare::kWholeCore + kTurn.count() + 2 * dearest;
      CHECK(most_in_window(visits, window) <= allowed);
    }
  }
}

TEST_CASE("reserves hold for whoever has work, whatever the others do", "[cpu_scheduler]") {
  Random random(5);
  for (int run = 0; run < 300; ++run) {
    const std::size_t count = 2 + random() % 12;
    std::vector<CpuShare> shares(count);
    uint32_t left = 9'500;
    for (CpuShare& share : shares) {
      share.reserve = random() % 3 == 0 ? 0 : random() % (left / 2 + 1);
      left -= share.reserve;
      share.weight = 1 + random() % 1'000;
    }
    Core core(shares);
    const uint64_t dearest = 1'000 + random() % 30'000;
    // The first always has work, the others come and go.
    core.activate(0);
    const uint64_t start = core.now;
    while (core.now < start + kHz / 50) {
      core.activate(random() % count);
      core.step([&](std::size_t) { return 1 + random() % dearest; },
                [&](std::size_t slice) { return slice == 0 || random() % 3 != 0; });
      const double due = static_cast<double>(core.now - start) * shares[0].reserve / CpuShare::kWholeCore;
      // Behind by a turn, and by a visit of each that was before it.
      const double allowed = static_cast<double>(2 * kTurn.count() + count * dearest);
      REQUIRE(static_cast<double>(core.used[0]) >= due - allowed);
    }
  }
}

TEST_CASE("weights hold among those that want more, while others come and go", "[cpu_scheduler]") {
  Random random(11);
  for (int run = 0; run < 100; ++run) {
    std::vector<CpuShare> shares(6);
    for (CpuShare& share : shares) share.weight = 1 + random() % 100;
    Core core(shares);
    core.activate(0);
    core.activate(1);
    const uint64_t cost_0 = 500 + random() % 40'000;
    const uint64_t cost_1 = 500 + random() % 40'000;
    while (core.now < kHz / 2) {
      core.activate(2 + random() % 4);
      core.step(
          [&](std::size_t slice) {
            return slice == 0 ? cost_0 : slice == 1 ? cost_1 : 1 + random() % 20'000;
          },
          [&](std::size_t slice) { return slice < 2 || random() % 2 == 0; });
    }
    const double ratio = static_cast<double>(core.used[0]) / static_cast<double>(core.used[1]);
    CHECK(ratio == Approx(double{1} * shares[0].weight / shares[1].weight).epsilon(0.02));
  }
}

TEST_CASE("without a reserve nobody waits for more than twice as long as its share takes",
          "[cpu_scheduler]") {
  Core core({{.reserve = 5'000, .weight = 100, .cap = {}},
             {.reserve = 3'000, .weight = 100, .cap = {}},
             {.reserve = 0, .weight = 100, .cap = {}},
             {.reserve = 0, .weight = 100, .cap = {}}});
  for (std::size_t i = 0; i < 4; ++i) core.activate(i);
  // The rest is 20 %, of which it has a quarter: a turn in 20, and never later than twice that.
  uint64_t last = core.now;
  uint64_t longest = 0;
  while (core.now < kHz / 5) {
    const auto who = core.step([](std::size_t) { return kTurn.count(); }, [](std::size_t) { return true; });
    if (who != 3u) continue;
    longest = std::max(longest, core.now - last);
    last = core.now;
  }
  CHECK(longest <= 40 * kTurn.count());
}

TEST_CASE("stopping just before any boundary gains nothing", "[cpu_scheduler]") {
  Core core(std::vector<CpuShare>(2));
  core.activate(0);
  core.activate(1);
  // The thief has no work left after each visit, and some again at once: there is no tick to hide from.
  while (core.now < kHz / 2) {
    core.activate(0);
    core.step([](std::size_t slice) { return slice == 0 ? uint64_t{30'000} : uint64_t{1'500}; },
              [](std::size_t slice) { return slice == 1; });
  }
  CHECK(core.share(0) == Approx(0.5).epsilon(0.01));
}

TEST_CASE("time that was not used is not saved up", "[cpu_scheduler]") {
  Core core(std::vector<CpuShare>(2));
  core.activate(1);
  core.run(kHz, cheap);  // the other idles for a second
  core.activate(0);
  core.used = {0, 0};
  core.run(kMillisecond, cheap);
  CHECK(core.share(0) == Approx(0.5).epsilon(0.05));
}

TEST_CASE("a long visit is paid back in full", "[cpu_scheduler]") {
  Core core(std::vector<CpuShare>(2));
  core.activate(0);
  core.activate(1);
  bool first = true;
  const auto cost = [&](std::size_t slice) {
    return slice == 0 && std::exchange(first, false) ? kHz / 100 : 2'000;
  };
  core.run(kHz / 100, cost);
  core.run(kHz / 100, cost);  // for as long it is not visited
  CHECK(core.used[0] <= kHz / 100 + kTurn.count());
  core.run(kHz / 10, cost);
  CHECK(core.share(0) == Approx(0.5).epsilon(0.01));
}

TEST_CASE("another share takes effect at once, neither resets nor bursts", "[cpu_scheduler]") {
  Core core({{.reserve = 0, .weight = 256, .cap = 1'000}, {}});
  core.activate(0);
  core.activate(1);
  core.run(kHz / 20, cheap);
  for (int i = 0; i < 100; ++i) {  // the same cap again and again fills no bucket
    core.scheduler.configure(Core::id(0), {.reserve = 0, .weight = 256, .cap = 1'000});
    core.run(kMillisecond, cheap);
  }
  CHECK(core.share(0) == Approx(0.1).epsilon(0.03));
  core.scheduler.configure(Core::id(0), {.reserve = 0, .weight = 768, .cap = {}});
  core.used = {0, 0};
  core.run(kHz / 10, cheap);
  CHECK(core.share(0) == Approx(0.75).epsilon(0.01));
  core.scheduler.configure(Core::id(0), {.reserve = 0, .weight = 768, .cap = 2'000});
  core.used = {0, 0};
  core.run(kHz / 10, cheap);
  CHECK(core.share(0) == Approx(0.2).epsilon(0.03));
}

TEST_CASE("a clock that jumps releases no more than a period", "[cpu_scheduler]") {
  Core core({{.reserve = 0, .weight = 256, .cap = 1'000}});
  core.activate(0);
  core.run(kHz / 100, cheap);
  core.now += kHz / 10;  // the worker was not run for 100 ms
  const uint64_t before = core.used[0];
  core.run(kMillisecond, cheap);
  CHECK(core.used[0] - before <= 2 * kMillisecond / 10 + kTurn.count() + 2'000);
  core.now -= kHz / 10;  // backwards it stands still
  core.run(kHz / 10, cheap);
  CHECK(core.used[0] - before <= (kHz / 10 + 4 * kMillisecond) / 10 + 2 * kTurn.count());
}

TEST_CASE("who is removed while it waits is never named again", "[cpu_scheduler]") {
  Core core({{.reserve = 0, .weight = 256, .cap = 100}, {.reserve = 2'000, .weight = 256, .cap = {}}, {}});
  for (std::size_t i = 0; i < 3; ++i) core.activate(i);
  core.run(kMillisecond, cheap);
  core.scheduler.remove(Core::id(0));
  core.scheduler.remove(Core::id(1));
  const std::vector<uint64_t> before = core.used;
  core.run(kHz / 10, cheap);
  CHECK(core.used[0] == before[0]);
  CHECK(core.used[1] == before[1]);
  core.scheduler.remove(Core::id(2));
  CHECK(core.scheduler.empty());
  core.scheduler.configure(Core::id(1), {});
  core.activate(1);
  CHECK(core.scheduler.next(Cycles{core.now}) == Core::id(1));
}

TEST_CASE("slices may be added while others run", "[cpu_scheduler]") {
  Core core(std::vector<CpuShare>(1));
  core.activate(0);
  core.run(kMillisecond, cheap);
  core.scheduler.grow(3);
  core.used = {0, 0, 0};
  core.scheduler.configure(Core::id(2), {});
  core.activate(2);
  core.run(kHz / 100, cheap);
  CHECK(core.share(2) == Approx(0.5).epsilon(0.01));
}
