// SPDX-License-Identifier: Apache-2.0
#include "control/certify_rounds.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "control/certify_class.hpp"

namespace bulkhead {
namespace {

using Kind = CertifyStep::Kind;

/// A subject, and what it is offered while all are.
struct Sender {
  const CertifySubject* subject;
  CertifyStep step;
};

BitsPerSecond sum_of(const std::vector<BitsPerSecond>& rates) {
  BitsPerSecond sum;
  for (const BitsPerSecond rate : rates) sum += rate;
  return sum;
}

CertifyPart whole(const CertifySubject& subject, const CertifyStep& step) {
  return {.subject = &subject,
          .target = subject.target,
          .step = step,
          .rates = split_rate(step.offered, subject.class_ceilings()),
          .is_judged = subject.is_judged};
}

/// The class, and beside it the slice's others.
void add_class(CertifyRound& round, const CertifySubject& subject, const ClassTest& test,
               BitsPerSecond slice_rate) {
  ClassLoad load = class_load(subject, test, slice_rate);
  std::vector<BitsPerSecond> rates(subject.streams.size());
  rates[test.stream] = load.step.offered;
  round.push_back({.subject = &subject,
                   .target = class_target(subject, test),
                   .step = load.step,
                   .rates = std::move(rates),
                   .is_judged = subject.is_judged});
  const BitsPerSecond offered = sum_of(load.others);
  if (load.step.others == BitsPerSecond{}) return;
  CertifyStep others = load.step;
  others.kind = Kind::together;
  others.offered = offered;
  others.expected = load.step.others;
  others.others = BitsPerSecond{};
  round.push_back({.subject = &subject,
                   .target = subject.target,
                   .step = others,
                   .rates = std::move(load.others),
                   .is_judged = false});
}

/// Every subject that sends, in the order of the file.
std::vector<Sender> all_senders(const std::vector<CertifySubject>& subjects) {
  std::vector<Sender> all;
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
  std::ranges::sort(all, {}, &Sender::subject);
  return all;
}

/// The tests of a subject's classes that are worth repeating while everybody sends.
std::vector<ClassTest> tests_in_company(const CertifySubject& subject) {
  std::vector<ClassTest> out;
  std::ranges::copy_if(subject.class_tests, std::back_inserter(out),
                       [](const ClassTest& test) { return test.kind != Kind::class_ceiling; });
  return out;
}

/// The subjects at once, each with its class number `turn` not overloaded; nothing where no judged one has
/// it.
std::optional<CertifyRound> class_round(const std::vector<Sender>& senders, std::size_t turn) {
  CertifyRound round;
  bool is_judged = false;
  for (const auto& [subject, step] : senders) {
    const std::vector<ClassTest> tests = tests_in_company(*subject);
    if (turn < tests.size()) {
      add_class(round, *subject, tests[turn], step.expected);
      is_judged = is_judged || subject->is_judged;
    } else {
      round.push_back(whole(*subject, step));
      round.back().is_judged = false;
    }
  }
  for (CertifyPart& part : round) part.step.is_in_company = true;
  if (!is_judged) return std::nullopt;
  return round;
}

}  // namespace

std::vector<CertifyRound> certify_rounds(const std::vector<CertifySubject>& subjects) {
  std::vector<CertifyRound> rounds;
  for (const CertifySubject& subject : subjects) {
    if (!subject.is_judged || subject.streams.empty()) continue;
    for (const CertifyStep& step : steps_alone(subject.target)) rounds.push_back({whole(subject, step)});
    for (const ClassTest& test : subject.class_tests)
      add_class(rounds.emplace_back(), subject, test, subject.target.ceiling);
  }
  const std::vector<Sender> senders = all_senders(subjects);
  CertifyRound& all = rounds.emplace_back();
  for (const auto& [subject, step] : senders) all.push_back(whole(*subject, step));
  for (std::size_t turn = 0; auto round = class_round(senders, turn); ++turn)
    rounds.push_back(std::move(*round));
  return rounds;
}

CertifyTime time_of(const CertifyRound& round, std::chrono::duration<double> asked) {
  CertifyTime time;
  for (const CertifyPart& part : round) {
    const CertifyTime own = time_of(part.target, part.step, asked);
    time.warm_up = std::max(time.warm_up, own.warm_up);
    time.window = std::max(time.window, own.window);
  }
  return time;
}

}  // namespace bulkhead
