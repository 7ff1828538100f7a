// SPDX-License-Identifier: Apache-2.0
#include "perf/isolation/victim.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "perf/isolation/report.hpp"

namespace bulkhead::perf {
namespace {

constexpr double kInTheMiddle = 0.99;

/// The p99 in microseconds of the packets between two readings, evenly spread within a bucket.
double p99_between(const std::vector<uint64_t>& before, const std::vector<uint64_t>& after) {
  double all = 0;
  for (std::size_t i = 0; i < after.size(); ++i) all += static_cast<double>(after[i] - before[i]);
  double seen = 0;
  for (std::size_t i = 0; i < after.size(); ++i) {
    const auto here = static_cast<double>(after[i] - before[i]);
    if (here > 0 && seen + here >= kInTheMiddle * all) {
      const double low = i == 0 ? 0 : std::ldexp(1.0, static_cast<int>(i) - 1);
      const double high = std::ldexp(1.0, static_cast<int>(i));
      return low + (high - low) * (kInTheMiddle * all - seen) / here;
    }
    seen += here;
  }
  return 0;
}

struct One {
  Outcome victim;
  double residence = 0;
};

One run_once(Traffic& traffic, std::span<Stream> streams, bool attacked, const VictimOptions& options,
             Victim& all) {
  for (Stream& stream : streams.subspan(1)) stream.active = attacked;
  std::vector<uint64_t> before;
  if (options.residences) before = options.residences();
  Measured measured = traffic.run(streams, options.time, options.workers);
  One one{.victim = std::move(measured.streams.front())};
  if (options.residences) one.residence = p99_between(before, options.residences());
  all.kept_up = all.kept_up && measured.kept_up();
  all.generator_away_ms = std::max(all.generator_away_ms, measured.generator_away_ms);
  all.worker_away_ms = std::max(all.worker_away_ms, measured.worker_away_ms);
  return one;
}

}  // namespace

Victim measure_victim(Traffic& traffic, std::vector<Stream> streams, const VictimOptions& options) {
  Victim all;
  for (int i = 0; i < options.times; ++i) {
    const One alone = run_once(traffic, streams, false, options, all);
    const One attacked = run_once(traffic, streams, true, options, all);
    all.loss_alone.push_back(alone.victim.lost());
    all.loss.push_back(attacked.victim.lost());
    all.at_device.push_back(static_cast<double>(attacked.victim.refused) /
                            std::max(static_cast<double>(attacked.victim.sent), 1.0));
    all.throughput.push_back(attacked.victim.packets_per_second() / std::max(alone.victim.packets_per_second(), 1.0));
    all.p99_alone.push_back(alone.victim.delay_us(0.99));
    all.p99.push_back(attacked.victim.delay_us(0.99));
    all.p99_ratio.push_back(all.p99.back() / all.p99_alone.back());
    all.p999_alone.push_back(alone.victim.delay_us(0.999));
    all.p999.push_back(attacked.victim.delay_us(0.999));
    if (!options.residences) continue;
    all.residence_alone.push_back(alone.residence);
    all.residence.push_back(attacked.residence);
  }
  return all;
}

void print_victim(const Victim& victim, const std::string& attack, const std::string& who) {
  const std::string of = attack + (who.empty() ? ": " : ", " + who + ": ");
  const auto row = [&](const std::string& what, double ours, const std::string& unit, double alone,
                       const std::string& asked, std::optional<bool> met, const std::string& note = "") {
    print({.experiment = "X6", .what = of + what, .ours = ours, .unit = unit, .beside = "alone", .theirs = alone,
           .asked = who.empty() ? asked : "", .met = who.empty() ? met : std::nullopt, .note = note});
  };
  std::string note = fmt::format("{:.4f} % at the device; generator away up to {:.1f} ms, worker {:.1f} ms",
                                 100 * median(victim.at_device), victim.generator_away_ms, victim.worker_away_ms);
  if (!victim.kept_up) note += "; the generator sent less than planned";
  row("victim's loss, median", 100 * median(victim.loss), "%", 100 * median(victim.loss_alone), "0",
      median(victim.loss) == 0, note);
  row("victim's loss, most of any run", 100 * std::ranges::max(victim.loss), "%",
      100 * std::ranges::max(victim.loss_alone), "", std::nullopt);
  row("victim's throughput", 100 * median(victim.throughput), "% of alone", 100, "at least 99.5",
      median(victim.throughput) >= 0.995);
  row("victim's p99 delay, device included", median(victim.p99), "us", median(victim.p99_alone),
      "at most 1.5 times alone", median(victim.p99_ratio) <= 1.5);
  row("victim's p99.9 delay", median(victim.p999), "us", median(victim.p999_alone), "", std::nullopt);
  if (!victim.residence.empty())
    row("victim's p99 residence, by histogram", median(victim.residence), "us", median(victim.residence_alone),
        "", std::nullopt);
}

}  // namespace bulkhead::perf
