// SPDX-License-Identifier: Apache-2.0
#include "shaper/class_level.hpp"

#include <array>
#include <catch2/catch.hpp>
#include <vector>

using namespace bulkhead;

namespace {

constexpr uint64_t kFrame = 1546;
constexpr uint64_t kWorkBits = 16;

ClassRates weighted(uint32_t weight, BitsPerSecond guarantee = BitsPerSecond{0}) {
  ClassRates rates;
  rates.strict = false;
  rates.rates.weight = weight;
  rates.rates.guarantee = guarantee;
  return rates;
}

ClassRates strict_class() { return {}; }

/// A slice that has the whole port.
class Level {
 public:
  explicit Level(const std::vector<ClassRates>& classes) { change(classes); }

  void change(const std::vector<ClassRates>& classes) {
    SliceRates rates;
    rates.class_count = classes.size();
    for (std::size_t i = 0; i < classes.size(); ++i) rates.classes[i] = classes[i];
    level_.configure(rates, {10_Gbps, 1'000'000'000, Bytes{kFrame}}, 0, 0);
  }
  /// A frame of whichever class of `ready` is next.
  uint32_t serve(uint8_t ready, uint64_t bytes = kFrame) {
    const uint32_t number = level_.pick(ready);
    work_ += bytes << kWorkBits;
    level_.charge(number, bytes, work_, 0);
    sent[number] += bytes;
    return number;
  }
  void serve(uint8_t ready, int frames) {
    while (frames-- > 0) (void)serve(ready);
  }
  /// The port serves other slices.
  void pass(uint64_t bytes) { work_ += bytes << kWorkBits; }

  std::array<uint64_t, kMaxClasses> sent{};

 private:
  ClassLevel level_;
  uint64_t work_ = 0;
};

double part(const Level& level, uint32_t number, uint32_t of) {
  return static_cast<double>(level.sent[number]) / static_cast<double>(level.sent[of]);
}

}  // namespace

TEST_CASE("strict classes in order, then the others by weight", "[class_level]") {
  Level level({strict_class(), strict_class(), weighted(1), weighted(3)});
  CHECK(level.serve(0b1111) == 0);
  CHECK(level.serve(0b1110) == 1);
  level.serve(0b1100, 4000);
  CHECK(part(level, 3, 2) == Approx(3).epsilon(0.001));
}

TEST_CASE("a class gets its guarantee, and its share of what the guarantees leave", "[class_level]") {
  // 2 of 10 Gb/s guaranteed, and half of the other 8.
  Level level({weighted(1, 2_Gbps), weighted(1)});
  level.serve(0b11, 10'000);
  CHECK(part(level, 0, 1) == Approx(6.0 / 4).epsilon(0.001));
}

TEST_CASE("a class is served its guarantee while others have the port", "[class_level]") {
  // The slice gets a quarter of the port: its classes' guarantees of 2 and 0.4 are kept, 0.1 is shared.
  Level level({weighted(1, 2_Gbps), weighted(1, 400_Mbps)});
  for (int i = 0; i < 10'000; ++i) {
    (void)level.serve(0b11);
    level.pass(3 * kFrame);
  }
  CHECK(part(level, 0, 1) == Approx(2.05 / 0.45).epsilon(0.002));
}

TEST_CASE("where strict classes leave less than the guarantees, each gets the same part of its own",
          "[class_level]") {
  Level level({strict_class(), weighted(1, 6_Gbps), weighted(1, 2_Gbps), weighted(1, 1_Gbps)});
  for (int i = 0; i < 10'000; ++i) {
    (void)level.serve(0b111);
    (void)level.serve(0b110);
  }
  CHECK(part(level, 1, 2) == Approx(3).epsilon(0.001));
  // What they missed is not owed to them at the expense of others.
  level.sent = {};
  level.serve(0b1110, 1000);
  CHECK(part(level, 1, 3) == Approx((6 + 1.0 / 3) / (1 + 1.0 / 3)).epsilon(0.03));
}

TEST_CASE("guarantees that are due at once do not keep a class without one waiting", "[class_level]") {
  std::vector<ClassRates> classes(7, weighted(1, 100_Mbps));
  classes.push_back(weighted(10'000));
  Level level(classes);
  level.serve(0xff, 3);
  CHECK(level.sent[7] == kFrame);
}

TEST_CASE("a class that was away neither saved up nor owes for long", "[class_level]") {
  Level level({weighted(1), weighted(1)});
  level.serve(0b01, 1000);
  level.serve(0b11, 10);
  CHECK(level.sent[1] >= 4 * kFrame);
  CHECK(level.sent[1] <= 6 * kFrame);
}

TEST_CASE("new weights hold from the next frame on", "[class_level]") {
  Level level({weighted(1), weighted(1)});
  level.serve(0b11, 101);
  level.change({weighted(1), weighted(9)});
  const auto before = level.sent;
  level.serve(0b11, 1000);
  CHECK(static_cast<double>(level.sent[1] - before[1]) == Approx(900.0 * kFrame).epsilon(0.005));
}

TEST_CASE("small frames and large ones weigh by their bytes", "[class_level]") {
  Level level({weighted(1), weighted(1)});
  for (int i = 0; i < 20'000; ++i) level.serve(0b11, i % 2 == 0 ? 84 : 1000);
  CHECK(part(level, 0, 1) == Approx(1).epsilon(0.001));
}
