// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "control/certify.hpp"

namespace bulkhead {
namespace {

using Outcome = CertifyVerdict::Outcome;
using Row = std::vector<std::string>;

constexpr std::size_t kNames = 3;  // columns to the left, which are words
const Row kColumns = {"slice",     "port",    "test",   "offered", "expected",  "received", "lost",
                      "reordered", "mean us", "p99 us", "max us",  "variation", "result"};

std::string rate_text(BitsPerSecond rate) {
  return fmt::format("{:.{}f}", static_cast<double>(rate.count()) / 1e6, rate < 1_Mbps ? 4 : 2);
}

std::string result_text(const CertifyRow& row) {
  std::string out(outcome_name(row.verdict.outcome));
  if (!row.verdict.why.empty()) out += ": " + row.verdict.why;
  if (row.tries > 1) out += fmt::format(" (try {})", row.tries);
  return out;
}

std::string row_name(const CertifyRow& row) {
  if (row.tries > 0) return step_name(row.target, row.step);
  return row.target.pcps.empty() ? "-" : "pcp " + pcp_names(row.target.pcps);
}

Row cells(const CertifyRow& row) {
  Row out{row.target.slice, row.target.port, row_name(row)};
  const Measured& result = row.result;
  if (row.tries > 0) {
    for (const BitsPerSecond rate : {result.offered, row.step.expected, result.received})
      out.push_back(rate_text(rate));
    for (const uint64_t count : {result.lost, result.reordered}) out.push_back(fmt::format("{}", count));
    for (const Nanoseconds time :
         {result.mean_delay, result.p99_delay, result.most_delay, result.delay_variation()})
      out.push_back(fmt::format("{}", time.count() / 1000));
  }
  out.resize(kColumns.size() - 1, "-");
  out.push_back(result_text(row));
  return out;
}

/// Words to the left, numbers to the right of their columns.
std::string aligned(const std::vector<Row>& rows) {
  std::vector<std::size_t> widths(rows.front().size());
  for (const Row& row : rows)
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  std::string out;
  for (const Row& row : rows) {
    for (std::size_t i = 0; i + 1 < row.size(); ++i)
      out += i < kNames ? fmt::format("{:<{}}  ", row[i], widths[i])
                        : fmt::format("{:>{}}  ", row[i], widths[i]);
    out += row.back() + '\n';
  }
  return out;
}

std::string sum(const CertifyReport& report) {
  std::string out = fmt::format("{} of {} rows passed", report.count(Outcome::passed), report.rows.size());
  if (const auto count = report.count(Outcome::failed)) out += fmt::format(", {} FAILED", count);
  if (const auto count = report.count(Outcome::inconclusive)) out += fmt::format(", {} inconclusive", count);
  if (const auto count = report.count(Outcome::not_tested)) out += fmt::format(", {} not tested", count);
  return out + '\n';
}

}  // namespace

std::string certify_text(const CertifyReport& report) {
  std::vector<Row> rows{kColumns};
  for (const CertifyRow& row : report.rows) rows.push_back(cells(row));
  return fmt::format(
      "{}: service activation test in the manner of ITU-T Y.1564, {} worker{}, devices inside this process\n"
      "Rates in Mbit/s on the wire (frame and 24 bytes).\n\n{}\n{}\n{}",
      report.file, report.workers, report.workers == 1 ? "" : "s", aligned(rows), kCertifyCriteria,
      sum(report));
}

}  // namespace bulkhead
