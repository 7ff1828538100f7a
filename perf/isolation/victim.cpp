// SPDX-License-Identifier: Apache-2.0
#include "perf/isolation/victim.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "perf/isolation/report.hpp"
#include "perf/isolation/residences.hpp"

namespace bulkhead::perf {
namespace {

/// A ring of 4,095 frames bridges this time at the rates of the attacks; a generator that comes later than
/// this makes bursts of its own.
constexpr double kBridgedMs = 0.3;
constexpr double kGeneratorMs = 2;

/// One half of a pair; returns the p99 residence.
double half(Traffic& traffic, std::span<Stream> streams, bool attacked, const VictimOptions& options,
            Pair& pair) {
  for (Stream& stream : streams.subspan(1)) stream.active = attacked;
  std::vector<uint64_t> before;
  if (options.residences) before = options.residences();
  Measured measured = traffic.run(streams, options.time, options.workers);
  pair.kept_up = pair.kept_up && measured.kept_up();
  pair.disturbed =
      pair.disturbed || measured.stolen_ms > kBridgedMs || measured.generator_away_ms > kGeneratorMs;
  pair.stolen_ms = std::max(pair.stolen_ms, measured.stolen_ms);
  pair.generator_away_ms = std::max(pair.generator_away_ms, measured.generator_away_ms);
  (attacked ? pair.attacked : pair.alone) = std::move(measured.streams.front());
  return options.residences ? quantile_us(before, options.residences(), 0.99) : 0;
}

template <class Value>
double median_of(const std::vector<Pair>& pairs, Value value) {
  std::vector<double> values;
  for (const Pair& pair : pairs) values.push_back(value(pair));
  return median(std::move(values));
}

double throughput(const Pair& pair) {
  return pair.attacked.packets_per_second() / std::max(pair.alone.packets_per_second(), 1.0);
}

double p99_ratio(const Pair& pair) { return pair.attacked.delay_us(0.99) / pair.alone.delay_us(0.99); }

std::string note_of(const Victim& victim, const std::vector<Pair>& pairs) {
  const auto at_device = [](const Pair& pair) {
    return 100 * static_cast<double>(pair.attacked.refused) /
           std::max(static_cast<double>(pair.attacked.sent), 1.0);
  };
  std::string note = fmt::format(
      "{:.4f} % at the device; known to be stolen {:.2f} ms, generator away {:.2f} ms; {} of {} pairs "
      "disturbed by the machine",
      median_of(pairs, at_device), median_of(pairs, [](const Pair& pair) { return pair.stolen_ms; }),
      median_of(pairs, [](const Pair& pair) { return pair.generator_away_ms; }), victim.disturbed.size(),
      victim.calm.size() + victim.disturbed.size());
  if (!victim.disturbed.empty())
    note +=
        fmt::format(", with a loss of {:.3f} %",
                    median_of(victim.disturbed, [](const Pair& pair) { return 100 * pair.attacked.lost(); }));
  if (!std::ranges::all_of(pairs, &Pair::kept_up)) note += "; the generator sent less than planned";
  return note;
}

}  // namespace

Victim measure_victim(Traffic& traffic, std::vector<Stream> streams, const VictimOptions& options) {
  Victim victim;
  const auto wanted = static_cast<std::size_t>(options.times);
  while (victim.calm.size() < wanted && victim.calm.size() + victim.disturbed.size() < 2 * wanted) {
    Pair pair;
    pair.residence_alone = half(traffic, streams, false, options, pair);
    pair.residence = half(traffic, streams, true, options, pair);
    (pair.disturbed ? victim.disturbed : victim.calm).push_back(std::move(pair));
  }
  return victim;
}

void print_victim(const Victim& victim, const std::string& attack, const std::string& who) {
  const std::vector<Pair>& pairs = victim.calm.empty() ? victim.disturbed : victim.calm;
  const auto row = [&](const std::string& what, const std::string& unit, double attacked, double alone,
                       const std::string& asked = "", std::optional<bool> met = std::nullopt,
                       const std::string& note = "") {
    print({.experiment = "X6",
           .what = attack + (who.empty() ? ": " : ", " + who + ": ") + what,
           .ours = attacked,
           .unit = unit,
           .beside = "alone",
           .theirs = alone,
           .asked = asked,
           .met = met,
           .note = note});
  };
  const auto both = [&](const std::string& what, const std::string& unit, auto value,
                        const std::string& asked = "", std::optional<bool> met = std::nullopt,
                        const std::string& note = "") {
    row(what, unit, median_of(pairs, [&](const Pair& pair) { return value(pair.attacked); }),
        median_of(pairs, [&](const Pair& pair) { return value(pair.alone); }), asked, met, note);
  };
  const auto loss = [](const Outcome& outcome) { return 100 * outcome.lost(); };
  both("victim's loss", "%", loss, "0",
       median_of(pairs, [&](const Pair& pair) { return loss(pair.attacked); }) == 0, note_of(victim, pairs));
  row("victim's throughput", "% of alone", 100 * median_of(pairs, throughput), 100, "at least 99.5",
      median_of(pairs, throughput) >= 0.995);
  both(
      "victim's p99 delay, device included", "us",
      [](const Outcome& outcome) { return outcome.delay_us(0.99); }, "at most 1.5 times alone",
      median_of(pairs, p99_ratio) <= 1.5);
  both("victim's p99.9 delay", "us", [](const Outcome& outcome) { return outcome.delay_us(0.999); });
  if (pairs.front().residence > 0)
    row("victim's p99 residence, by histogram", "us",
        median_of(pairs, [](const Pair& pair) { return pair.residence; }),
        median_of(pairs, [](const Pair& pair) { return pair.residence_alone; }));
}

}  // namespace bulkhead::perf
