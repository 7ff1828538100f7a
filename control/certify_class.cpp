// SPDX-License-Identifier: Apache-2.0
#include "control/certify_class.hpp"

#include <algorithm>
#include <utility>

#include "control/entitlement.hpp"

namespace bulkhead {
namespace {

using Kind = CertifyStep::Kind;

BitsPerSecond and_a_quarter(BitsPerSecond rate) { return rate + BitsPerSecond{rate.count() / 4}; }
BitsPerSecond less(BitsPerSecond rate, BitsPerSecond by) { return rate - std::min(rate, by); }

/// Shares a rate among the streams for which `takes` is true.
template <class Takes>
void offer(std::vector<BitsPerSecond>& to, BitsPerSecond rate, const CertifySubject& subject, Takes takes) {
  std::vector<std::size_t> places;
  std::vector<BitsPerSecond> ceilings;
  for (std::size_t stream = 0; stream < to.size(); ++stream) {
    if (!takes(subject.streams[stream])) continue;
    places.push_back(stream);
    ceilings.push_back(subject.streams[stream].class_ceiling);
  }
  if (places.empty()) return;
  const std::vector<BitsPerSecond> rates = split_rate(rate, ceilings);
  for (std::size_t i = 0; i < places.size(); ++i) to[places[i]] = rates[i];
}

CertifyStep step_of(Kind kind, const CertifyTarget& target, BitsPerSecond slice_rate) {
  BitsPerSecond offered = target.guarantee;
  if (kind == Kind::class_ceiling) offered = and_a_quarter(target.ceiling);
  if (kind == Kind::class_strict) offered = BitsPerSecond{slice_rate.count() / 2};
  return {.kind = kind,
          .percent = 0,
          .offered = offered,
          .expected = std::min({offered, target.ceiling, slice_rate}),
          .slice_rate = slice_rate,
          .others = {},
          .is_in_company = false};
}

}  // namespace

CertifyTarget class_target(const CertifySubject& subject, const ClassTest& test) {
  const TestStream& stream = subject.streams[test.stream];
  const ClassConfig& served = subject.classes[stream.class_number];
  CertifyTarget out = subject.target;
  out.pcps = served.pcps;
  out.flows = 1;
  out.guarantee = std::min(served.guarantee.value_or(BitsPerSecond{}), out.ceiling);
  if (served.ceiling && *served.ceiling < out.ceiling) {
    out.ceiling = *served.ceiling;
    out.burst = std::max(default_burst(*served.ceiling), kLargestFrameOnWire * 2);
  }
  return out;
}

ClassLoad class_load(const CertifySubject& subject, const ClassTest& test, BitsPerSecond slice_rate) {
  ClassLoad out{.step = step_of(test.kind, class_target(subject, test), slice_rate),
                .others = std::vector<BitsPerSecond>(subject.streams.size())};
  if (test.kind == Kind::class_ceiling) return out;
  const std::size_t number = subject.streams[test.stream].class_number;
  const auto config = [&](const TestStream& stream) { return subject.classes[stream.class_number]; };
  const auto is_first = [&](const TestStream& stream) {
    return config(stream).strict && stream.class_number < number;
  };
  const auto is_rival = [&](const TestStream& stream) {
    return stream.class_number != number && !is_first(stream);
  };
  BitsPerSecond promised = out.step.expected;
  for (const TestStream& stream : subject.streams)
    if (is_rival(stream)) promised += config(stream).guarantee.value_or(BitsPerSecond{});
  offer(out.others, BitsPerSecond{less(slice_rate, promised).count() / 2}, subject, is_first);
  offer(out.others, and_a_quarter(slice_rate), subject, is_rival);
  for (std::size_t stream = 0; stream < out.others.size(); ++stream)
    if (const ClassConfig served = config(subject.streams[stream]);
        is_rival(subject.streams[stream]) && served.guarantee)
      out.others[stream] = std::max(out.others[stream], and_a_quarter(*served.guarantee));
  if (std::ranges::any_of(subject.streams, is_rival)) out.step.others = less(slice_rate, out.step.expected);
  return out;
}

}  // namespace bulkhead
