// SPDX-License-Identifier: Apache-2.0
#include "control/certify_run.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <ostream>
#include <utility>
#include <vector>

#include "control/certify_plan.hpp"
#include "control/config_faults.hpp"
#include "control/report.hpp"
#include "control/run.hpp"

namespace bulkhead {
namespace {

using Outcome = CertifyVerdict::Outcome;
using Flows = std::vector<TestTraffic::Flow>;

constexpr uint32_t kMostTries = 3;

Flows flows_of(const CertifyRound& round) {
  Flows flows;
  for (std::size_t i = 0; i < round.size(); ++i)
    for (std::size_t stream = 0; stream < round[i].rates.size(); ++stream)
      if (const BitsPerSecond rate = round[i].rates[stream]; rate.count() > 0)
        flows.push_back({.stream = &round[i].subject->streams[stream], .rate = rate, .subject = i});
  return flows;
}

std::vector<CertifyRow> rows_of(const CertifyRound& round, std::vector<Measured> results, uint32_t tries) {
  std::vector<CertifyRow> rows;
  for (std::size_t i = 0; i < round.size(); ++i) {
    const CertifyPart& part = round[i];
    if (!part.is_judged) continue;
    if (part.step.others.count() > 0) results[i].others = results[i + 1].offered;
    rows.push_back({.target = part.target,
                    .step = part.step,
                    .result = results[i],
                    .verdict = judge(part.target, part.step, results[i]),
                    .tries = tries});
  }
  return rows;
}

std::vector<CertifyRow> not_tested(const std::vector<CertifySubject>& subjects) {
  std::vector<CertifyRow> rows;
  const auto add = [&](const CertifyTarget& target, std::string why) {
    rows.push_back({.target = target,
                    .step = {},
                    .result = {},
                    .verdict = {.outcome = Outcome::not_tested, .why = std::move(why)},
                    .tries = 0});
  };
  for (const CertifySubject& subject : subjects) {
    if (!subject.is_judged) continue;
    if (subject.streams.empty()) add(subject.target, subject.why_not);
    for (const std::vector<uint8_t>& pcps : subject.untested) {
      CertifyTarget target = subject.target;
      target.pcps = pcps;
      add(target, "none of the frames that may leave here is in this class");
    }
  }
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
  const std::vector<CertifyRound> rounds = certify_rounds(subjects);
  const std::chrono::duration<double> asked{options.seconds};
  std::chrono::duration<double> all{};
  for (const CertifyRound& round : rounds)
    all += time_of(round, asked).warm_up + time_of(round, asked).window;
  if (!options.json)
    err << fmt::format("{} tests, {:.0f} s or more\n", rounds.size(), std::ceil(all.count()));
  for (const CertifyRound& round : rounds)
    std::ranges::move(run_certify_round(**bench, round, asked), std::back_inserter(report.rows));
  if ((*bench)->has_failed()) return kExitFailed;
  out << (options.json ? certify_json(report) : certify_text(report));
  return report.passed() ? kExitOk : kExitRefused;
}

}  // namespace

std::vector<CertifyRow> run_certify_round(CertifyBench& bench, const CertifyRound& round,
                                          std::chrono::duration<double> asked) {
  const Flows flows = flows_of(round);
  const CertifyTime time = time_of(round, asked);
  std::vector<CertifyRow> rows;
  for (uint32_t tries = 1; tries <= kMostTries && !bench.has_failed(); ++tries) {
    rows = rows_of(round, bench.run(flows, round.size(), time), tries);
    const auto failed = [](const CertifyRow& row) { return row.verdict.outcome == Outcome::failed; };
    const auto repeatable = [](const CertifyRow& row) { return row.verdict.repeatable; };
    if (std::ranges::any_of(rows, failed) || std::ranges::none_of(rows, repeatable)) break;
  }
  return rows;
}

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
