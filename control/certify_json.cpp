// SPDX-License-Identifier: Apache-2.0
#include <nlohmann/json.hpp>

#include "control/certify.hpp"

namespace bulkhead {
namespace {

using Json = nlohmann::ordered_json;  // keys in the order in which a reader wants them

double seconds(Nanoseconds time) { return std::chrono::duration<double>(time).count(); }

/// "not tested" is not_tested to a program, and FAIL fail.
std::string result_name(CertifyVerdict::Outcome outcome) {
  std::string name(outcome_name(outcome));
  for (char& letter : name) letter = letter == ' ' ? '_' : static_cast<char>(std::tolower(letter));
  return name;
}

Json measured_json(const Measured& result) {
  return {{"sent_bits_per_second", result.offered.count()},
          {"other_classes_sent_bits_per_second", result.others.count()},
          {"received_bits_per_second", result.received.count()},
          {"window_seconds", result.window.count()},
          {"sent_packets", result.sent},
          {"lost_packets", result.lost},
          {"reordered_packets", result.reordered},
          {"least_delay_seconds", seconds(result.least_delay)},
          {"mean_delay_seconds", seconds(result.mean_delay)},
          {"p99_delay_seconds", seconds(result.p99_delay)},
          {"most_delay_seconds", seconds(result.most_delay)},
          {"delay_variation_seconds", seconds(result.delay_variation())},
          {"traffic_away_seconds", seconds(result.traffic_away)},
          {"worker_away_seconds", seconds(result.worker_away)}};
}

Json row_json(const CertifyRow& row) {
  const bool tested = row.tries > 0;
  return {{"slice", row.target.slice},
          {"port", row.target.port},
          {"test", tested ? Json(step_name(row.target, row.step)) : Json(nullptr)},
          {"result", result_name(row.verdict.outcome)},
          {"why", row.verdict.why.empty() ? Json(nullptr) : Json(row.verdict.why)},
          {"tries", row.tries},
          {"offered_bits_per_second", tested ? Json(row.step.offered.count()) : Json(nullptr)},
          {"expected_bits_per_second", tested ? Json(row.step.expected.count()) : Json(nullptr)},
          {"guarantee_bits_per_second", row.target.guarantee.count()},
          {"ceiling_bits_per_second", row.target.ceiling.count()},
          {"burst_bytes", row.target.burst.count()},
          {"classes", row.target.flows},
          {"class_pcps", row.target.pcps.empty() ? Json(nullptr) : Json(row.target.pcps)},
          {"measured", tested ? measured_json(row.result) : Json(nullptr)}};
}

}  // namespace

std::string certify_json(const CertifyReport& report) {
  Json rows = Json::array();
  for (const CertifyRow& row : report.rows) rows.push_back(row_json(row));
  const Json out = {{"file", report.file},
                    {"passed", report.passed()},
                    {"workers", report.workers},
                    {"criteria", std::string(kCertifyCriteria)},
                    {"rows", std::move(rows)}};
  return out.dump(2, ' ', false, Json::error_handler_t::replace) + '\n';
}

}  // namespace bulkhead
