// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "nic/units.hpp"

/// The service activation test in the manner of ITU-T Y.1564: what is offered to a slice at an egress port,
/// and whether what came out is what the configuration gives. Pure functions; certify_run.cpp sends the
/// traffic.
namespace bulkhead {

/// The criteria, as --help and every report state them.
inline constexpr std::string_view kCertifyCriteria =
    R"(alone, up to the ceiling: no frame is lost; the rate is within 1 % of what was offered; 99 of 100 frames take no longer
  than the slice's burst and two largest frames take at the port's speed, and 0.5 ms
alone, past the ceiling: the rate is within 1 % of the ceiling
a class at its guarantee, and a strict class at half of the slice's rate, while the slice's other classes are overloaded
  (together: while all other slices are, too): no frame is lost; the rate is within 1 % (or two largest frames) of what was
  offered; 99 of 100 frames take no longer than two largest frames take at the guarantee (not of a strict class), at the
  slice's rate and at the port's speed, and 0.5 ms
a class past its ceiling, alone: the rate is within 1 % (or two largest frames) of the ceiling
together: each rate is within 1 % (or two largest frames) of what guarantees, weights and ceilings give
always: no more leaves than the ceiling and the burst allow, of a slice and of each class; no frame overtakes another of
  its class; something arrives
inconclusive, which is not passed: a row that misses its rate, loses or delays frames while the test traffic or a worker was
  seen kept from its core for more than 0.5 ms, three times in a row (repeat it when nothing else uses the cores); test
  traffic that was too slow, or too little to tell 1 %
)";

/// What a slice is promised at one egress port. Rates and sizes on the wire.
struct CertifyTarget {
  std::string slice;
  std::string port;
  BitsPerSecond speed;      // of the port
  BitsPerSecond guarantee;  // <= ceiling
  BitsPerSecond ceiling;    // the least of the slice's, all its classes' and the port's
  uint32_t weight = 1;
  Bytes burst;                // that may come on top of the ceiling
  Bytes frame;                // of the test traffic
  uint32_t flows = 1;         // that it is spread over, one for each class
  std::vector<uint8_t> pcps;  // of the one class that is meant; empty: the slice
};

struct CertifyStep {
  enum class Kind : uint8_t {
    guarantee,
    excess,
    overshoot,
    together,
    class_guarantee,
    class_ceiling,
    class_strict
  };
  Kind kind = Kind::guarantee;
  uint32_t percent = 0;  // of the guarantee, where that is the kind
  BitsPerSecond offered;
  BitsPerSecond expected;  // what the configuration gives
  // Of a class's steps:
  BitsPerSecond slice_rate;    // what its slice is given
  BitsPerSecond others;        // what the slice's other classes are offered at least
  bool is_in_company = false;  // while all slices send
};

/// A step of a slice; a class's has more to say.
[[nodiscard]] CertifyStep step_of(CertifyStep::Kind kind, uint32_t percent, BitsPerSecond offered,
                                  BitsPerSecond expected);

/// "25 % of guarantee", "excess", "overshoot", "together"; of a class: "pcp 5-7 strict", "together: pcp 3
/// guarantee"
[[nodiscard]] std::string step_name(const CertifyTarget& target, const CertifyStep& step);
/// "0,5-7"
[[nodiscard]] std::string pcp_names(const std::vector<uint8_t>& pcps);

/// What is offered while nobody else sends. Steps that another one makes superfluous are left out: those of
/// no guarantee, and excess where the guarantee is the ceiling.
[[nodiscard]] std::vector<CertifyStep> steps_alone(const CertifyTarget& target);

/// What is offered when all slices of a port send at once, a quarter more than each is given. Weighted
/// max-min: the guarantees, and of what they leave over a share by weight, up to the ceiling.
[[nodiscard]] std::vector<CertifyStep> steps_together(std::span<const CertifyTarget> at_one_port);

/// How much of a rate each class is offered: alike, up to the classes' ceilings (zero: none) as long as they
/// hold all of it.
[[nodiscard]] std::vector<BitsPerSecond> split_rate(BitsPerSecond rate,
                                                    std::span<const BitsPerSecond> ceilings);

/// How long a step sends.
struct CertifyTime {
  std::chrono::duration<double> warm_up{};  // until bursts are used up
  std::chrono::duration<double> window{};   // in which the rate is measured
};

/// At least as long as asked for; longer where a frame would be more than half a percent of what is measured,
/// up to a minute.
[[nodiscard]] CertifyTime time_of(const CertifyTarget& target, const CertifyStep& step,
                                  std::chrono::duration<double> asked);

/// What came of a step. Delays: from the moment a frame is handed to the ingress port until it is found at
/// the egress port.
struct Measured {
  uint64_t planned = 0;  // frames
  uint64_t sent = 0;
  uint64_t lost = 0;
  uint64_t reordered = 0;
  uint32_t classes_over_ceiling = 0;
  BitsPerSecond offered;                    // reached by the test traffic
  BitsPerSecond others;                     // likewise, of the slice's other classes
  BitsPerSecond received;                   // in the window
  std::chrono::duration<double> window{};   // that `received` was measured in
  Bytes received_bytes;                     // all, on the wire
  std::chrono::duration<double> overall{};  // from the first frame in to the last one out
  Nanoseconds least_delay{};
  Nanoseconds mean_delay{};
  Nanoseconds p99_delay{};
  Nanoseconds most_delay{};
  Nanoseconds traffic_away{};  // longest time for which the test traffic was kept from its core
  Nanoseconds worker_away{};   // likewise a worker, as far as the test traffic could see
  /// Delay variation of ITU-T Y.1563: the 99th percentile less the smallest.
  [[nodiscard]] Nanoseconds delay_variation() const { return p99_delay - least_delay; }
};

/// What 99 of 100 frames may take at a rate up to the ceiling.
[[nodiscard]] Nanoseconds longest_delay(const CertifyTarget& target, const CertifyStep& step);

struct CertifyVerdict {
  enum class Outcome : uint8_t { passed, failed, inconclusive, not_tested };
  Outcome outcome = Outcome::passed;
  std::string why;          // empty: passed
  bool repeatable = false;  // something else had a core; the next try may be undisturbed
};

/// "pass", "FAIL", "inconclusive", "not tested"
[[nodiscard]] std::string_view outcome_name(CertifyVerdict::Outcome outcome);

[[nodiscard]] CertifyVerdict judge(const CertifyTarget& target, const CertifyStep& step,
                                   const Measured& result);

/// A line of the report.
struct CertifyRow {
  CertifyTarget target;
  CertifyStep step;
  Measured result;
  CertifyVerdict verdict;
  uint32_t tries = 0;  // 0: there was nothing to test
};

struct CertifyReport {
  std::string file;
  std::size_t workers = 0;
  std::vector<CertifyRow> rows;
  [[nodiscard]] std::size_t count(CertifyVerdict::Outcome outcome) const;
  /// Nothing failed, nothing was inconclusive.
  [[nodiscard]] bool passed() const;
};

/// For people: a line of column names, one for each row, and the sum.
[[nodiscard]] std::string certify_text(const CertifyReport& report);
/// For programs: one JSON object, units in the names.
[[nodiscard]] std::string certify_json(const CertifyReport& report);

}  // namespace bulkhead
