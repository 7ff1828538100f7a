// SPDX-License-Identifier: Apache-2.0
// The egress scheduler against the contract's rule, over thousands of random hierarchies and arrivals. What
// is compared is the service each slice has had when a frame ends: how far it lags behind the liquid.
#include "tests/shaper/fluid_model.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <random>

#include "tests/shaper/scheduled_port.hpp"

using namespace bulkhead;
using namespace bulkhead::test;

namespace {

constexpr uint64_t kHz = 1'000'000'000;
constexpr uint64_t kFrame = 1542;
constexpr double kSpeed = 10e9;

/// What a random hierarchy has.
struct Traits {
  bool guarantees = false;
  bool ceilings = false;
  bool weighted_classes = false;
  bool class_ceilings = false;
};

class Random {
 public:
  explicit Random(uint64_t seed) : engine_(seed) {}
  double unit() { return std::uniform_real_distribution<double>(0, 1)(engine_); }
  bool chance(double probability) { return unit() < probability; }
  uint64_t between(uint64_t least, uint64_t most) {
    return std::uniform_int_distribution<uint64_t>(least, most)(engine_);
  }
  /// Every order of magnitude alike.
  uint64_t magnitude(double least, double most) {
    return static_cast<uint64_t>(std::exp(std::log(least) + unit() * (std::log(most) - std::log(least))));
  }

 private:
  std::mt19937_64 engine_;
};

BitsPerSecond bits(double rate) { return BitsPerSecond{static_cast<uint64_t>(rate)}; }

void add_classes(Random& random, const Traits& traits, SliceRates& slice) {
  slice.class_count = random.between(1, kMaxClasses);
  const std::size_t strict = random.between(0, slice.class_count);
  auto left = static_cast<double>(slice.rates.guarantee.count());
  for (std::size_t i = 0; i < slice.class_count; ++i) {
    ClassRates& own = slice.classes[i];
    own.strict = i < strict;
    own.rates.weight = static_cast<uint32_t>(random.magnitude(1, 1000));
    own.rates.burst = Bytes{random.between(4 * kFrame, 10 * kFrame)};
    const double guarantee = !own.strict && random.chance(0.5) ? left * random.unit() * 0.6 : 0;
    left -= guarantee;
    own.rates.guarantee = bits(guarantee);
    if (traits.class_ceilings && random.chance(0.4))
      own.rates.ceiling =
          bits(std::max(static_cast<double>(random.magnitude(1e7, kSpeed)), guarantee + 1000));
  }
}

std::vector<SliceRates> random_slices(Random& random, const Traits& traits) {
  std::vector<SliceRates> slices(random.between(1, random.chance(0.1) ? 60 : 12));
  double left = traits.guarantees ? (random.chance(0.3) ? 1.0 : random.unit()) : 0;
  for (SliceRates& slice : slices) {
    slice.rates.weight = random.chance(0.3) ? 100 : static_cast<uint32_t>(random.magnitude(1, 10'001));
    const double part = random.chance(0.6) ? left * random.unit() * (slices.size() > 4 ? 0.5 : 1.0) : 0;
    left -= part;
    slice.rates.guarantee = bits(part * kSpeed);
    // From four frames: with less, a ceiling that is a large part of the port's speed loses some rate.
    slice.rates.burst = Bytes{random.between(4 * kFrame, 20 * kFrame)};
    if (traits.ceilings && random.chance(0.5))
      slice.rates.ceiling =
          bits(std::max(static_cast<double>(random.magnitude(1e7, kSpeed)), part * kSpeed + 1000));
    if (traits.weighted_classes) add_classes(random, traits, slice);
  }
  return slices;
}

/// Frames that come to one class: at once and more than can be sent, in bursts, or one by one.
struct Source {
  enum class Kind : uint64_t { flood, bursts, singles, busy };

  static Source random(Random& random, std::size_t slice, std::size_t class_count) {
    Source source;
    source.slice = slice;
    source.number = random.between(0, class_count - 1);
    source.kind = Kind{random.between(0, 3)};
    source.next = random.chance(0.5) ? 0 : random.between(0, 200'000);
    source.gap = random.magnitude(1000, 1'000'000);
    source.frames = static_cast<uint32_t>(random.between(1, 60));
    source.length = static_cast<uint32_t>(random.chance(0.4) ? kFrame : random.between(84, kFrame));
    return source;
  }

  [[nodiscard]] uint32_t frames_now() const {
    return kind == Kind::flood ? 2000 : kind == Kind::bursts ? frames : 1;
  }
  void schedule(Random& random, uint64_t now) {
    switch (kind) {
      case Kind::flood:
        next = UINT64_MAX;
        break;
      case Kind::bursts:
        next = now + gap * 4;
        break;
      case Kind::singles:
        next = now + 1 + gap * random.between(0, 200) / 100;
        break;
      case Kind::busy:
        next = now + 1 + gap * random.between(0, 200) / 2000;
        break;
    }
  }

  std::size_t slice = 0;
  std::size_t number = 0;
  Kind kind = Kind::flood;
  uint64_t next = 0;
  uint64_t gap = 0;
  uint32_t frames = 0;
  uint32_t length = 0;
};

/// The most that anything lagged behind the model in one run, in bytes.
struct Lag {
  double slice = -1e12;         // beyond its burst
  double slice_exactly = 0;     // its burst not taken off
  double uncapped_slice = 0;    // where neither it nor a class of it has a ceiling
  double class_beyond = -1e12;  // beyond its burst and its slice's
};

class Comparison {
 public:
  Comparison(Random& random, const Traits& traits)
      : slices_(random_slices(random, traits)),
        port_({bits(kSpeed), kHz, Bytes{kFrame}, Bytes{0}, static_cast<uint16_t>(slices_.size()), {}},
              slices_),
        model_(kSpeed / 8, slices_) {
    for (std::size_t slice = 0; slice < slices_.size(); ++slice)
      for (uint64_t left = random.between(1, 3); left > 0; --left)
        sources_.push_back(Source::random(random, slice, slices_[slice].class_count));
  }

  Lag run(Random& random, uint64_t duration) {
    uint64_t now = 0;
    while (now < duration) {
      uint64_t next = duration;
      for (const Source& source : sources_) next = std::min(next, source.next);
      if (next > now) port_.run(now, next, [this](uint64_t time) { compare(time); });
      compare(now);
      for (Source& source : sources_)
        if (source.next <= now) arrive(random, source, now);
    }
    check_ceilings();
    return lag_;
  }

 private:
  void arrive(Random& random, Source& source, uint64_t now) {
    const uint32_t frames = source.frames_now();
    port_.arrive(now, source.slice, source.number, source.length, frames);
    model_.arrive(source.slice, source.number, static_cast<double>(source.length) * frames);
    arrived_ += uint64_t{source.length} * frames;
    source.schedule(random, now);
  }

  void compare(uint64_t now) {
    model_.advance(static_cast<double>(now - compared_) / kHz);
    compared_ = now;
    for (std::size_t slice = 0; slice < slices_.size(); ++slice) compare_slice(slice);
  }

  void compare_slice(std::size_t slice) {
    const SliceRates& rates = slices_[slice];
    const auto burst = static_cast<double>(rates.rates.burst.count());
    const double lag = model_.served(slice) - static_cast<double>(port_.sent(slice));
    lag_.slice = std::max(lag_.slice, lag - burst);
    lag_.slice_exactly = std::max(lag_.slice_exactly, lag);
    bool capped = rates.rates.ceiling > BitsPerSecond{0};
    for (std::size_t i = 0; i < rates.class_count; ++i) {
      const Rates& own = rates.classes[i].rates;
      capped |= own.ceiling > BitsPerSecond{0};
      const double behind = model_.served(slice, i) - static_cast<double>(port_.sent(slice, i));
      lag_.class_beyond =
          std::max(lag_.class_beyond, behind - burst - static_cast<double>(own.burst.count()));
    }
    if (!capped) lag_.uncapped_slice = std::max(lag_.uncapped_slice, lag);
  }

  void check_ceilings() const {
    uint64_t queued = 0;
    for (std::size_t slice = 0; slice < slices_.size(); ++slice) {
      queued += port_.backlog(slice);
      const Rates& own = slices_[slice].rates;
      if (own.ceiling > BitsPerSecond{0}) CHECK(port_.window(slice).burst() <= own.burst.count());
      for (std::size_t i = 0; i < slices_[slice].class_count; ++i) {
        const Rates& each = slices_[slice].classes[i].rates;
        if (each.ceiling > BitsPerSecond{0}) CHECK(port_.window(slice, i).burst() <= each.burst.count());
      }
    }
    // Nobody is ever late here, but for the fraction of a cycle after which a frame has left.
    CHECK(port_.port_window().burst() <= kFrame + 2);
    CHECK(arrived_ == port_.sent() + queued);
  }

  std::vector<SliceRates> slices_;
  ScheduledPort port_;
  FluidModel model_;
  std::vector<Source> sources_;
  uint64_t compared_ = 0;
  uint64_t arrived_ = 0;
  Lag lag_;
};

/// AddressSanitizer makes one of these ten times as slow, and looks for mistakes that do not depend on the
/// seed: there it has every tenth, and the other builds have all.
uint64_t seeds_here(uint64_t seeds) {
#ifdef __SANITIZE_ADDRESS__
  WARN("with AddressSanitizer: " << seeds / 10 << " of " << seeds << " seeds");
  return seeds / 10;
#else
  return seeds;
#endif
}

Lag worst_lag(const Traits& traits, uint64_t all) {
  const uint64_t seeds = seeds_here(all);
  Lag worst;
  for (uint64_t seed = 0; seed < seeds; ++seed) {
    INFO("seed " << seed);
    Random random(seed);
    const Lag lag = Comparison(random, traits).run(random, 500'000);
    CHECK(lag.slice <= 2 * kFrame);
    CHECK(lag.class_beyond <= 2 * kFrame);
    worst.slice = std::max(worst.slice, lag.slice);
    worst.slice_exactly = std::max(worst.slice_exactly, lag.slice_exactly);
    worst.uncapped_slice = std::max(worst.uncapped_slice, lag.uncapped_slice);
    worst.class_beyond = std::max(worst.class_beyond, lag.class_beyond);
  }
  UNSCOPED_INFO("worst lag in frames: " << worst.slice_exactly / kFrame << ", without ceilings "
                                        << worst.uncapped_slice / kFrame << ", beyond the burst "
                                        << worst.slice / kFrame << ", class " << worst.class_beyond / kFrame);
  return worst;
}

Rates share(uint32_t weight) { return {BitsPerSecond{0}, BitsPerSecond{0}, weight, Bytes{1'000'000}}; }

}  // namespace

TEST_CASE("the model divides a port as the contract says", "[fluid_model]") {
  // 10 Gb/s: a has 2 guaranteed and weight 1, b weight 3, c a ceiling of 1, d nothing to send.
  std::vector<SliceRates> slices(4);
  slices[0].rates = {2_Gbps, BitsPerSecond{0}, 1, Bytes{0}};
  slices[1].rates = share(3);
  slices[2].rates = {BitsPerSecond{0}, 1_Gbps, 100, Bytes{0}};
  slices[3].rates = {5_Gbps, BitsPerSecond{0}, 100, Bytes{0}};
  FluidModel model(kSpeed / 8, slices);
  for (std::size_t slice = 0; slice < 3; ++slice) model.arrive(slice, 0, 1e9);
  model.advance(0.1);
  CHECK(model.served(0) == Approx(0.1 / 8 * (2e9 + 7e9 / 4)));
  CHECK(model.served(1) == Approx(0.1 / 8 * 7e9 * 3 / 4));
  CHECK(model.served(2) == Approx(0.1 / 8 * 1e9));
  CHECK(model.rate() == Approx(kSpeed / 8));
  // d's guarantee is in use while it sends: 3.75e6 bytes, at 5 Gb/s and a share.
  model.arrive(3, 0, 1e3);
  CHECK(model.rate() == Approx(kSpeed / 8));
}

TEST_CASE("shares by weight alone lag at most two and a half frames without any burst", "[fluid_model]") {
  CHECK(worst_lag({}, 600).slice_exactly <= 2.5 * kFrame);
}

TEST_CASE("guarantees and shares lag at most three frames without any burst", "[fluid_model]") {
  CHECK(worst_lag({.guarantees = true}, 600).slice_exactly <= 3 * kFrame);
}

TEST_CASE("with ceilings no slice lags more than two frames and its burst", "[fluid_model]") {
  CHECK(worst_lag({.guarantees = true, .ceilings = true}, 600).uncapped_slice <= 4 * kFrame);
}

TEST_CASE("weighted classes get their part of what their slice gets", "[fluid_model]") {
  CHECK(worst_lag({.guarantees = true, .weighted_classes = true}, 400).slice_exactly <= 3 * kFrame);
}

TEST_CASE("everything at once, and no slice or class lags beyond its burst", "[fluid_model]") {
  worst_lag({.guarantees = true, .ceilings = true, .weighted_classes = true, .class_ceilings = true}, 600);
}
