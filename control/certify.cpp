// SPDX-License-Identifier: Apache-2.0
#include "control/certify.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "control/config_units.hpp"
#include "control/entitlement.hpp"

namespace bulkhead {
namespace {

using Kind = CertifyStep::Kind;
using Outcome = CertifyVerdict::Outcome;
using Seconds = std::chrono::duration<double>;

constexpr double kTolerance = 0.01;
constexpr double kFewestFrames = 200;  // one at either end of the window is then less than 1 %
constexpr double kLongestSeconds = 60;
constexpr double kSettleSeconds = 0.01;
constexpr Nanoseconds kScheduling = std::chrono::microseconds{500};  // a nap, and waking up from it
constexpr Nanoseconds kAway = std::chrono::microseconds{500};

double as_double(BitsPerSecond rate) { return static_cast<double>(rate.count()); }
double bits(Bytes size) { return 8.0 * static_cast<double>(size.count()); }
BitsPerSecond rate_of(double rate) { return BitsPerSecond{static_cast<uint64_t>(rate)}; }
BitsPerSecond and_a_quarter(BitsPerSecond rate) { return rate + BitsPerSecond{rate.count() / 4}; }

/// Then everything arrives, and soon.
bool is_within_ceiling(const CertifyTarget& target, const CertifyStep& step) {
  return step.kind != Kind::together && step.offered <= target.ceiling;
}

bool is_of_class(const CertifyStep& step) {
  return step.kind == Kind::class_guarantee || step.kind == Kind::class_ceiling ||
         step.kind == Kind::class_strict;
}
double time_of_two_frames(BitsPerSecond rate) {
  return rate.count() > 0 ? bits(kLargestFrameOnWire * 2) / as_double(rate) : 0;
}

/// Weighted max-min of what the guarantees leave over.
std::vector<double> fair_rates(std::span<const CertifyTarget> targets) {
  std::vector<double> rates;
  double left = targets.empty() ? 0 : as_double(targets.front().speed);
  for (const CertifyTarget& target : targets) {
    rates.push_back(as_double(target.guarantee));
    left -= rates.back();
  }
  // Who reaches the ceiling leaves the rest to the others, who may reach theirs with it.
  std::vector<bool> is_full(targets.size());
  for (bool again = true; std::exchange(again, false);) {
    double weight = 0;
    for (std::size_t i = 0; i < targets.size(); ++i) weight += is_full[i] ? 0 : targets[i].weight;
    const double each = weight > 0 ? std::max(left, 0.0) / weight : 0;
    for (std::size_t i = 0; i < targets.size(); ++i) {
      const double room = as_double(targets[i].ceiling) - as_double(targets[i].guarantee);
      if (is_full[i] || room > each * targets[i].weight) continue;
      rates[i] += room;
      left -= room;
      is_full[i] = again = true;
    }
    for (std::size_t i = 0; i < targets.size() && !again; ++i)
      if (!is_full[i]) rates[i] += each * targets[i].weight;
  }
  return rates;
}

/// What no disturbance of the test explains; empty: nothing.
std::string broken_promise(const CertifyTarget& target, const CertifyStep& step, const Measured& result) {
  if (result.reordered > 0) return fmt::format("{} frames overtaken within their class", result.reordered);
  const double most = as_double(target.ceiling) * result.overall.count() + bits(target.burst);
  if (bits(result.received_bytes) > most)
    return fmt::format("more than the ceiling of {} and the burst of {}", format_rate(target.ceiling),
                       format_size(target.burst));
  if (result.classes_over_ceiling > 0)
    return fmt::format("{} classes sent more than their ceilings and bursts", result.classes_over_ceiling);
  if (result.sent > 0 && result.lost == result.sent && step.expected.count() > 0)
    return fmt::format("none of {} frames arrived", result.sent);
  return {};
}

/// What is not as promised, and may be the machine's fault.
std::string missed_promise(const CertifyTarget& target, const CertifyStep& step, const Measured& result) {
  if (is_within_ceiling(target, step)) {
    if (result.lost > 0) return fmt::format("{} of {} frames lost", result.lost, result.sent);
    if (const Nanoseconds most = longest_delay(target, step); result.p99_delay > most)
      return fmt::format("1 of 100 frames took {} us, more than {} us", result.p99_delay.count() / 1000,
                         most.count() / 1000);
  }
  double tolerance = kTolerance * as_double(step.expected);
  if (step.kind == Kind::together || is_of_class(step))
    tolerance = std::max(tolerance, bits(kLargestFrameOnWire * 2) / result.window.count());
  if (std::abs(as_double(result.received) - as_double(step.expected)) > tolerance)
    return fmt::format("the rate is not within 1 % of {:.3f} Mbit/s", as_double(step.expected) / 1e6);
  return {};
}

std::string away_text(const Measured& result) {
  const bool worker = result.worker_away > result.traffic_away;
  const Nanoseconds time = worker ? result.worker_away : result.traffic_away;
  return fmt::format("this machine kept {} from its core for {:.1f} ms",
                     worker ? "a worker" : "the test traffic", static_cast<double>(time.count()) / 1e6);
}

}  // namespace

CertifyStep step_of(CertifyStep::Kind kind, uint32_t percent, BitsPerSecond offered, BitsPerSecond expected) {
  CertifyStep step;
  step.kind = kind;
  step.percent = percent;
  step.offered = offered;
  step.expected = expected;
  return step;
}

std::string pcp_names(const std::vector<uint8_t>& pcps) {
  std::vector<uint8_t> sorted = pcps;
  std::ranges::sort(sorted);
  std::string out;
  for (std::size_t first = 0, next = 0; first < sorted.size(); first = next) {
    next = first + 1;
    while (next < sorted.size() && sorted[next] == sorted[next - 1] + 1) ++next;
    out += fmt::format("{}{}", out.empty() ? "" : ",", sorted[first]);
    if (next - first > 1) out += fmt::format("-{}", sorted[next - 1]);
  }
  return out;
}

std::string step_name(const CertifyTarget& target, const CertifyStep& step) {
  const auto of_class = [&](std::string_view what) {
    return fmt::format("{}pcp {} {}", step.is_in_company ? "together: " : "", pcp_names(target.pcps), what);
  };
  switch (step.kind) {
    case Kind::guarantee:
      return fmt::format("{} % of guarantee", step.percent);
    case Kind::excess:
      return "excess";
    case Kind::overshoot:
      return "overshoot";
    case Kind::together:
      return "together";
    case Kind::class_guarantee:
      return of_class("guarantee");
    case Kind::class_ceiling:
      return of_class("overshoot");
    case Kind::class_strict:
      return of_class("strict");
  }
  return "";
}

std::string_view outcome_name(Outcome outcome) {
  switch (outcome) {
    case Outcome::passed:
      return "pass";
    case Outcome::failed:
      return "FAIL";
    case Outcome::inconclusive:
      return "inconclusive";
    case Outcome::not_tested:
      return "not tested";
  }
  return "";
}

std::vector<CertifyStep> steps_alone(const CertifyTarget& target) {
  std::vector<CertifyStep> out;
  const uint64_t guarantee = target.guarantee.count();
  const auto add = [&](Kind kind, uint32_t percent, BitsPerSecond offered) {
    out.push_back(step_of(kind, percent, offered, std::min(offered, target.ceiling)));
  };
  if (guarantee > 0)
    for (const uint32_t percent : {25u, 50u, 75u, 100u})
      add(Kind::guarantee, percent, BitsPerSecond{guarantee * percent / 100});
  if (target.guarantee < target.ceiling)
    add(Kind::excess, 0, BitsPerSecond{(guarantee + target.ceiling.count()) / 2});
  add(Kind::overshoot, 0, and_a_quarter(target.ceiling));
  return out;
}

std::vector<CertifyStep> steps_together(std::span<const CertifyTarget> at_one_port) {
  std::vector<CertifyStep> out;
  for (const double rate : fair_rates(at_one_port))
    out.push_back(step_of(Kind::together, 0, and_a_quarter(rate_of(rate)), rate_of(rate)));
  return out;
}

std::vector<BitsPerSecond> split_rate(BitsPerSecond rate, std::span<const BitsPerSecond> ceilings) {
  std::vector<BitsPerSecond> out(ceilings.size());
  uint64_t left = rate.count();
  for (std::size_t open = ceilings.size(); left > 0;) {
    if (open == 0) {  // beyond all ceilings
      for (BitsPerSecond& share : out) share += BitsPerSecond{left / out.size()};
      break;
    }
    const BitsPerSecond each{std::max<uint64_t>(left / open, 1)};
    open = 0;
    for (std::size_t i = 0; i < out.size() && left > 0; ++i) {
      const bool has_ceiling = ceilings[i].count() > 0;
      const BitsPerSecond room = has_ceiling ? ceilings[i] - out[i] : BitsPerSecond{left};
      const BitsPerSecond more{std::min({room.count(), each.count(), left})};
      out[i] += more;
      left -= more.count();
      if (more < room) ++open;
    }
  }
  return out;
}

CertifyTime time_of(const CertifyTarget& target, const CertifyStep& step, Seconds asked) {
  const double most = std::max(kLongestSeconds, asked.count());
  const double excess = as_double(step.offered) - as_double(step.expected);
  const double wanted =
      step.expected.count() > 0 ? kFewestFrames * bits(target.frame) / as_double(step.expected) : 0;
  // Classes use their bursts up at a part of the excess each.
  const double burst = excess > 0 ? target.flows * bits(target.burst) / excess : 0;
  return {.warm_up = Seconds{std::min(kSettleSeconds + burst, most)},
          .window = Seconds{std::clamp(wanted, asked.count(), most)}};
}

Nanoseconds longest_delay(const CertifyTarget& target, const CertifyStep& step) {
  double seconds = time_of_two_frames(target.speed);
  if (is_of_class(step))
    seconds += time_of_two_frames(step.slice_rate);
  else
    seconds += bits(target.burst) / as_double(target.speed);
  if (step.kind == Kind::class_guarantee) seconds += time_of_two_frames(step.expected);
  return std::chrono::duration_cast<Nanoseconds>(Seconds{seconds}) + kScheduling;
}

CertifyVerdict judge(const CertifyTarget& target, const CertifyStep& step, const Measured& result) {
  if (std::string why = broken_promise(target, step, result); !why.empty())
    return {Outcome::failed, std::move(why), false};
  const bool was_away = std::max(result.traffic_away, result.worker_away) > kAway;
  const double frames = as_double(step.expected) * result.window.count() / bits(target.frame);
  if (step.expected.count() > 0 && frames < 0.99 * kFewestFrames)
    return {Outcome::inconclusive,
            fmt::format("{:.0f} frames in {:.0f} s are too few to tell 1 %; raise --seconds", frames,
                        result.window.count()),
            false};
  const std::string why = missed_promise(target, step, result);
  if (!why.empty() && was_away) return {Outcome::inconclusive, why + ", and " + away_text(result), true};
  const bool is_lost = is_within_ceiling(target, step) && result.lost > 0;
  if (!is_lost && result.others < step.others)
    return {Outcome::inconclusive,
            fmt::format(
                "this machine generates only {:.3f} Mbit/s for the other classes; certify on a faster one",
                as_double(result.others) / 1e6),
            was_away};
  if (!is_lost && static_cast<double>(result.sent) < (1 - kTolerance) * static_cast<double>(result.planned))
    return {Outcome::inconclusive,
            fmt::format("this machine generates only {:.3f} Mbit/s; certify on a faster one",
                        as_double(result.offered) / 1e6),
            was_away};
  return {why.empty() ? Outcome::passed : Outcome::failed, why, false};
}

std::size_t CertifyReport::count(Outcome outcome) const {
  return static_cast<std::size_t>(
      std::ranges::count_if(rows, [&](const CertifyRow& row) { return row.verdict.outcome == outcome; }));
}

bool CertifyReport::passed() const {
  return count(Outcome::failed) == 0 && count(Outcome::inconclusive) == 0;
}

}  // namespace bulkhead
