// SPDX-License-Identifier: Apache-2.0
#include "control/certify_run.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <ostream>
#include <utility>
#include <vector>

#include "control/certify_bench.hpp"
#include "control/certify_plan.hpp"
#include "control/config_faults.hpp"
#include "control/report.hpp"
#include "control/run.hpp"

namespace bulkhead {
namespace {

using Outcome = CertifyVerdict::Outcome;
using Flows = std::vector<TestTraffic::Flow>;

constexpr uint32_t kMostTries = 3;

/// A subject's step, at its place among those that are tested at once.
struct Part {
  const CertifySubject* subject;
  CertifyStep step;
};

/// What is sent at once: one subject alone, or all.
using Round = std::vector<Part>;

std::vector<Round> rounds_of(const std::vector<CertifySubject>& subjects) {
  std::vector<Round> rounds;
  for (const CertifySubject& subject : subjects)
    if (subject.is_judged && !subject.streams.empty())
      for (const CertifyStep& step : steps_alone(subject.target)) rounds.push_back({{&subject, step}});
  Round all;
  for (const CertifySubject& first : subjects) {
    // Each port once, at the first of its subjects.
    const auto is_here = [&](const CertifySubject& other) { return other.port == first.port; };
    if (&*std::ranges::find_if(subjects, is_here) != &first) continue;
    std::vector<const CertifySubject*> here;
    std::vector<CertifyTarget> targets;
    for (const CertifySubject& other : subjects) {
      if (!is_here(other) || other.streams.empty()) continue;
      here.push_back(&other);
      targets.push_back(other.target);
    }
    const std::vector<CertifyStep> steps = steps_together(targets);
    for (std::size_t i = 0; i < here.size(); ++i) all.push_back({here[i], steps[i]});
  }
  std::ranges::sort(all, {}, &Part::subject);  // the order of the file
  rounds.push_back(std::move(all));
  return rounds;
}

CertifyTime time_of(const Round& round, std::chrono::duration<double> asked) {
  CertifyTime time;
  for (const Part& part : round) {
    const CertifyTime own = time_of(part.subject->target, part.step, asked);
    time.warm_up = std::max(time.warm_up, own.warm_up);
    time.window = std::max(time.window, own.window);
  }
  return time;
}

Flows flows_of(const Round& round) {
  Flows flows;
  for (std::size_t i = 0; i < round.size(); ++i) {
    const CertifySubject& subject = *round[i].subject;
    const std::vector<BitsPerSecond> rates = split_rate(round[i].step.offered, subject.class_ceilings());
    for (std::size_t stream = 0; stream < rates.size(); ++stream)
      if (rates[stream].count() > 0)
        flows.push_back({.stream = &subject.streams[stream], .rate = rates[stream], .subject = i});
  }
  return flows;
}

/// The round's rows, as the last try left them: the next one only where other work was in the way.
std::vector<CertifyRow> run_round(CertifyBench& bench, const Round& round,
                                  std::chrono::duration<double> asked) {
  const Flows flows = flows_of(round);
  const CertifyTime time = time_of(round, asked);
  std::vector<CertifyRow> rows;
  for (uint32_t tries = 1; tries <= kMostTries && !bench.has_failed(); ++tries) {
    const std::vector<Measured> results = bench.run(flows, round.size(), time);
    rows.clear();
    for (std::size_t i = 0; i < round.size(); ++i)
      if (const auto& [subject, step] = round[i]; subject->is_judged)
        rows.push_back({.target = subject->target,
                        .step = step,
                        .result = results[i],
                        .verdict = judge(subject->target, step, results[i]),
                        .tries = tries});
    const auto failed = [](const CertifyRow& row) { return row.verdict.outcome == Outcome::failed; };
    const auto repeatable = [](const CertifyRow& row) { return row.verdict.repeatable; };
    if (std::ranges::any_of(rows, failed) || std::ranges::none_of(rows, repeatable)) break;
  }
  return rows;
}

std::vector<CertifyRow> not_tested(const std::vector<CertifySubject>& subjects) {
  std::vector<CertifyRow> rows;
  for (const CertifySubject& subject : subjects)
    if (subject.is_judged && subject.streams.empty())
      rows.push_back({.target = subject.target,
                      .step = {},
                      .result = {},
                      .verdict = {.outcome = Outcome::not_tested, .why = subject.why_not},
                      .tries = 0});
  return rows;
}

/// The ports whose speed only their devices know. These are in use where `run` is, and are not opened to ask.
ConfigFaults ports_without_speed(const Config& config) {
  ConfigFaults out{.file = config.file, .faults = {}};
  for (const PortConfig& port : config.ports)
    if (!port.speed)
      out.faults.push_back(
          {port.at,
           fmt::format("port \"{}\" has no speed, and certify does not open its device to ask; write "
                       "the device's, such as speed = \"10Gbps\"",
                       port.name)});
  return out;
}

int complain(std::ostream& err, const std::string& message, int status) {
  err << message << '\n';
  return status;
}

int certify(const CertifyOptions& options, const Config& config, std::ostream& out, std::ostream& err) {
  const std::vector<CertifySubject> subjects = certify_subjects(config, options.slice);
  CertifyReport report{.file = options.file, .workers = 0, .rows = not_tested(subjects)};
  const auto is_tested = [](const CertifySubject& subject) {
    return subject.is_judged && !subject.streams.empty();
  };
  if (std::ranges::none_of(subjects, is_tested))
    return complain(
        err,
        fmt::format("{}: {}", options.file,
                    report.rows.empty() ? "there is no slice to certify" : report.rows.front().verdict.why),
        kExitRefused);
  std::size_t streams = 0;
  std::size_t frame_bytes = 0;
  for (const CertifySubject& subject : subjects) {
    streams += subject.streams.size();
    for (const TestStream& stream : subject.streams) frame_bytes = std::max(frame_bytes, stream.frame.size());
  }
  auto bench = CertifyBench::start(config, streams, frame_bytes);
  if (!bench)
    return complain(err, bench.error().message(),
                    bench.error().kind() == ApplianceFault::Kind::refused ? kExitRefused : kExitFailed);
  report.workers = (*bench)->workers();
  const std::vector<Round> rounds = rounds_of(subjects);
  const std::chrono::duration<double> asked{options.seconds};
  std::chrono::duration<double> all{};
  for (const Round& round : rounds) all += time_of(round, asked).warm_up + time_of(round, asked).window;
  if (!options.json)
    err << fmt::format("{} tests, {:.0f} s or more\n", rounds.size(), std::ceil(all.count()));
  for (const Round& round : rounds)
    std::ranges::move(run_round(**bench, round, asked), std::back_inserter(report.rows));
  if ((*bench)->has_failed()) return kExitFailed;
  out << (options.json ? certify_json(report) : certify_text(report));
  return report.passed() ? kExitOk : kExitRefused;
}

}  // namespace

int certify_command(const CertifyOptions& options, std::ostream& out, std::ostream& err) {
  const auto config = load_proved_config(options.file, this_machine());
  if (!config) {
    err << config.error().to_string();
    return kExitRefused;
  }
  std::vector<std::string_view> names;
  for (const SliceConfig& slice : config->slices) names.push_back(slice.name);
  if (options.slice && std::ranges::find(names, *options.slice) == names.end())
    return complain(err,
                    "no [[slice]] of " + options.file + " is named " + in_quotes(*options.slice) +
                        suggestion(*options.slice, names),
                    kExitUsage);
  if (const ConfigFaults unknown = ports_without_speed(*config); !unknown.faults.empty()) {
    err << unknown.to_string();
    return kExitRefused;
  }
  return certify(options, *config, out, err);
}

}  // namespace bulkhead
