// SPDX-License-Identifier: Apache-2.0
#include "perf/isolation/victim.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "perf/isolation/report.hpp"
#include "perf/isolation/residences.hpp"

namespace bulkhead::perf {
namespace {

Run run_once(Traffic& traffic, std::span<Stream> streams, bool attacked, const VictimOptions& options) {
  for (Stream& stream : streams.subspan(1)) stream.active = attacked;
  std::vector<uint64_t> before;
  if (options.residences) before = options.residences();
  Measured measured = traffic.run(streams, options.time, options.workers);
  return {.outcome = std::move(measured.streams.front()),
          .residence = options.residences ? quantile_us(before, options.residences(), 0.99) : 0,
          .disturbance_ms = measured.stolen_ms + measured.generator_away_ms,
          .kept_up = measured.kept_up()};
}

template <class Value>
double median_of(const std::vector<Run>& runs, Value value) {
  std::vector<double> values;
  for (const Run& run : runs) values.push_back(value(run));
  return median(std::move(values));
}

double delay_us(const std::vector<Run>& runs, double share) {
  return median_of(runs, [&](const Run& run) { return run.outcome.delay_us(share); });
}

double throughput(const std::vector<Run>& runs) {
  return median_of(runs, [](const Run& run) { return run.outcome.packets_per_second(); });
}

/// In percent, of all frames of all these runs.
double loss(const std::vector<Run>& runs) {
  uint64_t sent = 0;
  uint64_t received = 0;
  for (const Run& run : runs) {
    sent += run.outcome.sent;
    received += run.outcome.received;
  }
  return 100 * (1 - static_cast<double>(received) / std::max(static_cast<double>(sent), 1.0));
}

std::string note_of(const Victim& victim) {
  uint64_t refused = 0;
  double disturbance = 0;
  for (const Run& run : victim.attacked) {
    refused += run.outcome.refused;
    disturbance = std::max(disturbance, run.disturbance_ms);
  }
  std::string note = fmt::format(
      "{} frames at the device; the {} calmest of {} runs, in which the machine took {:.3f} ms at most",
      refused, victim.attacked.size(), victim.runs, disturbance);
  if (!std::ranges::all_of(victim.attacked, &Run::kept_up)) note += "; the generator sent less than planned";
  return note;
}

void keep_calmest(std::vector<Run>& runs, std::size_t kept) {
  std::ranges::sort(runs, {}, &Run::disturbance_ms);
  if (runs.size() > kept) runs.resize(kept);
}

}  // namespace

Victim measure_victim(Traffic& traffic, std::vector<Stream> streams, const VictimOptions& options) {
  Victim victim{.alone = {}, .attacked = {}, .runs = options.runs};
  for (std::size_t i = 0; i < options.runs; ++i) {
    victim.alone.push_back(run_once(traffic, streams, false, options));
    victim.attacked.push_back(run_once(traffic, streams, true, options));
  }
  keep_calmest(victim.alone, options.kept);
  keep_calmest(victim.attacked, options.kept);
  return victim;
}

void print_victim(const Victim& victim, const std::string& attack, const std::string& who) {
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
  const double lost = loss(victim.attacked);
  row("victim's loss", "%", lost, loss(victim.alone), "0", lost == 0, note_of(victim));
  const double kept = throughput(victim.attacked) / std::max(throughput(victim.alone), 1.0);
  row("victim's throughput", "% of alone", 100 * kept, 100, "at least 99.5", kept >= 0.995);
  const double p99 = delay_us(victim.attacked, 0.99);
  const double p99_alone = delay_us(victim.alone, 0.99);
  row("victim's p99 delay, device included", "us", p99, p99_alone, "at most 1.5 times alone",
      p99 <= 1.5 * p99_alone);
  row("victim's p99.9 delay", "us", delay_us(victim.attacked, 0.999), delay_us(victim.alone, 0.999));
  const auto residence = [](const Run& run) { return run.residence; };
  if (victim.attacked.front().residence > 0)
    row("victim's p99 residence, by histogram", "us", median_of(victim.attacked, residence),
        median_of(victim.alone, residence));
}

}  // namespace bulkhead::perf
