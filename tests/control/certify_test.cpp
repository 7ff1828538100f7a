// SPDX-License-Identifier: Apache-2.0
#include "control/certify.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

namespace bulkhead {
namespace {

using Kind = CertifyStep::Kind;
using Outcome = CertifyVerdict::Outcome;
using Catch::Contains;
using std::chrono::microseconds;
using std::chrono::milliseconds;

const CertifyTarget kTarget{.slice = "lab",
                            .port = "uplink",
                            .speed = 1_Gbps,
                            .guarantee = 20_Mbps,
                            .ceiling = 40_Mbps,
                            .weight = 100,
                            .burst = 64_KiB,
                            .frame = 536_B,
                            .flows = 1,
                            .pcps = {}};
const CertifyStep kWithin = step_of(Kind::guarantee, 100, 20_Mbps, 20_Mbps);
const CertifyStep kBeyond = step_of(Kind::overshoot, 0, 50_Mbps, 40_Mbps);
const CertifyStep kTogether = step_of(Kind::together, 0, 50_Mbps, 40_Mbps);

/// A second in which all that was offered arrived.
Measured all_of(BitsPerSecond rate) {
  Measured out;
  out.planned = out.sent = 1000;
  out.offered = out.received = rate;
  out.received_bytes = Bytes{rate.count() / 8};
  out.window = out.overall = std::chrono::seconds{1};
  out.least_delay = microseconds{2};
  out.mean_delay = microseconds{5};
  out.p99_delay = microseconds{9};
  out.most_delay = milliseconds{20};
  return out;
}

Measured with_loss(BitsPerSecond received, uint64_t lost) {
  Measured out = all_of(received);
  out.lost = lost;
  return out;
}

/// "FAIL: why"
std::string verdict(const CertifyStep& step, const Measured& result) {
  const CertifyVerdict out = judge(kTarget, step, result);
  return std::string(outcome_name(out.outcome)) + (out.why.empty() ? "" : ": ") + out.why;
}

std::vector<std::string> steps_text(const std::vector<CertifyStep>& steps) {
  std::vector<std::string> out;
  for (const CertifyStep& step : steps)
    out.push_back(step_name(kTarget, step) + " " + std::to_string(step.offered.count() / 1000) + " " +
                  std::to_string(step.expected.count() / 1000));
  return out;
}

CertifyTarget sharer(BitsPerSecond guarantee, BitsPerSecond ceiling, uint32_t weight) {
  CertifyTarget out = kTarget;
  out.guarantee = guarantee;
  out.ceiling = ceiling;
  out.weight = weight;
  return out;
}

CertifyReport sample_report() {
  CertifyReport report{.file = "lab.toml", .workers = 1, .rows = {}};
  const CertifyStep half = step_of(Kind::guarantee, 50, 10_Mbps, 10_Mbps);
  const auto add = [&](const Measured& result, uint32_t tries) {
    report.rows.push_back({kTarget, half, result, judge(kTarget, half, result), tries});
  };
  add(all_of(10_Mbps), 1);
  add(with_loss(10_Mbps, 1), 1);
  Measured away = with_loss(10_Mbps, 1);
  away.worker_away = milliseconds{4};
  add(away, 3);
  report.rows.push_back({kTarget, {}, {}, {Outcome::not_tested, "nothing to certify: why", false}, 0});
  report.rows.push_back(report.rows.back());
  report.rows.back().target.pcps = {5, 6};
  return report;
}

}  // namespace

TEST_CASE("a guarantee is tested in quarters, then past it, then past the ceiling") {
  CHECK(steps_text(steps_alone(kTarget)) ==
        std::vector<std::string>{"25 % of guarantee 5000 5000", "50 % of guarantee 10000 10000",
                                 "75 % of guarantee 15000 15000", "100 % of guarantee 20000 20000",
                                 "excess 30000 30000", "overshoot 50000 40000"});
  CHECK(steps_text(steps_alone(sharer(0_bps, 40_Mbps, 1))) ==
        std::vector<std::string>{"excess 20000 20000", "overshoot 50000 40000"});
  CHECK(steps_alone(sharer(40_Mbps, 40_Mbps, 1)).size() == 5);
}

TEST_CASE("together each is given its guarantee and its part of the rest, and asks for a quarter more") {
  const std::vector<CertifyTarget> both{sharer(200_Mbps, 1_Gbps, 300), sharer(400_Mbps, 1_Gbps, 100)};
  CHECK(steps_text(steps_together(both)) ==
        std::vector<std::string>{"together 625000 500000", "together 625000 500000"});
}

TEST_CASE("what a ceiling leaves is the others'") {
  const std::vector<CertifyTarget> three{sharer(0_bps, 1_Gbps, 1), sharer(100_Mbps, 150_Mbps, 1),
                                         sharer(0_bps, 400_Mbps, 100)};
  CHECK(steps_text(steps_together(three)) == std::vector<std::string>{"together 562500 450000",
                                                                      "together 187500 150000",
                                                                      "together 500000 400000"});
  CHECK(steps_together({}).empty());
}

TEST_CASE("ceilings that leave something over are all reached") {
  const std::vector<CertifyTarget> two{sharer(0_bps, 100_Mbps, 1), sharer(50_Mbps, 200_Mbps, 5)};
  CHECK(steps_text(steps_together(two)) ==
        std::vector<std::string>{"together 125000 100000", "together 250000 200000"});
}

TEST_CASE("classes are offered the same, up to their ceilings as long as these hold it") {
  using Rates = std::vector<BitsPerSecond>;
  CHECK(split_rate(9_bps, Rates{0_bps, 0_bps, 0_bps}) == Rates{3_bps, 3_bps, 3_bps});
  CHECK(split_rate(100_bps, Rates{10_bps, 0_bps}) == Rates{10_bps, 90_bps});
  CHECK(split_rate(50_bps, Rates{10_bps, 30_bps}) == Rates{15_bps, 35_bps});
  CHECK(split_rate(1_bps, Rates{0_bps, 0_bps}) == Rates{1_bps, 0_bps});
  CHECK(split_rate(0_bps, Rates{0_bps}) == Rates{0_bps});
}

TEST_CASE("a slow row lasts until a frame is half a percent, and past a ceiling until the burst is used up") {
  const std::chrono::duration<double> second{1};
  CHECK(time_of(kTarget, kWithin, second).window.count() == Approx(1));
  CHECK(time_of(kTarget, kWithin, second).warm_up.count() == Approx(0.01));
  const CertifyStep slow = step_of(Kind::guarantee, 25, 100_kbps, 100_kbps);
  CHECK(time_of(kTarget, slow, second).window.count() == Approx(200 * 536 * 8 / 1e5));
  const CertifyStep crawling = step_of(Kind::guarantee, 25, 1_kbps, 1_kbps);
  CHECK(time_of(kTarget, crawling, second).window.count() == Approx(60));
  CHECK(time_of(kTarget, crawling, second * 100).window.count() == Approx(100));
  CHECK(time_of(kTarget, kBeyond, second).warm_up.count() == Approx(0.01 + 65536 * 8 / 1e7));
}

TEST_CASE("up to the ceiling nothing is lost, the rate is what was offered, and delay is bounded") {
  CHECK(verdict(kWithin, all_of(20_Mbps)) == "pass");
  CHECK(verdict(kWithin, all_of(19801_kbps)) == "pass");
  CHECK_THAT(verdict(kWithin, all_of(19799_kbps)), Contains("FAIL: the rate is not within 1 % of 20.000"));
  CHECK(verdict(kWithin, with_loss(20_Mbps, 1)) == "FAIL: 1 of 1000 frames lost");
  Measured late = all_of(20_Mbps);
  late.p99_delay = longest_delay(kTarget, kWithin);
  CHECK(verdict(kWithin, late) == "pass");
  late.p99_delay += microseconds{1};
  CHECK(verdict(kWithin, late) == "FAIL: 1 of 100 frames took 1049 us, more than 1048 us");
}

TEST_CASE("past the ceiling the rate is the ceiling, and the burst is all that comes on top") {
  CHECK(verdict(kBeyond, with_loss(40_Mbps, 100)) == "pass");
  CHECK_THAT(verdict(kBeyond, with_loss(39_Mbps, 100)), Contains("FAIL: the rate is not within 1 %"));
  Measured burst = with_loss(40_Mbps, 100);
  burst.received_bytes = Bytes{5'000'000} + 64_KiB;
  CHECK(verdict(kBeyond, burst) == "pass");
  burst.received_bytes += 1_B;
  CHECK(verdict(kBeyond, burst) == "FAIL: more than the ceiling of 40Mbps and the burst of 64KiB");
  burst = with_loss(40_Mbps, 100);
  burst.classes_over_ceiling = 1;
  CHECK_THAT(verdict(kBeyond, burst), Contains("FAIL: 1 classes"));
}

TEST_CASE("together two largest frames are allowed for, where that is more than 1 %") {
  CHECK(verdict(kTogether, with_loss(39601_kbps, 100)) == "pass");
  const CertifyStep slow = step_of(Kind::together, 0, 1250_kbps, 1_Mbps);
  CHECK(verdict(slow, with_loss(976_kbps, 100)) == "pass");
  CHECK_THAT(verdict(slow, with_loss(975_kbps, 100)), Contains("FAIL: the rate"));
}

TEST_CASE("what misses while a core was taken away is not judged, and tried again") {
  Measured away = with_loss(20_Mbps, 1);
  away.worker_away = microseconds{2500};
  away.traffic_away = microseconds{600};
  CHECK(verdict(kWithin, away) ==
        "inconclusive: 1 of 1000 frames lost, and this machine kept a worker from its core for 2.5 ms");
  CHECK(judge(kTarget, kWithin, away).repeatable);
  away.traffic_away = microseconds{3000};
  CHECK_THAT(verdict(kWithin, away), Contains("kept the test traffic from its core for 3.0 ms"));
  away.lost = 0;
  CHECK(verdict(kWithin, away) == "pass");
  away.lost = 1;
  away.worker_away = away.traffic_away = microseconds{500};
  CHECK(verdict(kWithin, away) == "FAIL: 1 of 1000 frames lost");
}

TEST_CASE("no absence explains frames that overtake, too much, or nothing at all") {
  Measured result = all_of(20_Mbps);
  result.worker_away = milliseconds{5};
  result.reordered = 2;
  CHECK(verdict(kWithin, result) == "FAIL: 2 frames overtaken within their class");
  result.reordered = 0;
  result.received_bytes = Bytes{6'000'000};
  CHECK_THAT(verdict(kWithin, result), Contains("FAIL: more than the ceiling"));
  result = with_loss(0_bps, 1000);
  result.worker_away = milliseconds{5};
  CHECK(verdict(kWithin, result) == "FAIL: none of 1000 frames arrived");
  CHECK_FALSE(judge(kTarget, kWithin, result).repeatable);
}

TEST_CASE("a class at its guarantee or strict loses nothing and waits for a few frames, whoever else sends") {
  CertifyTarget target = kTarget;
  target.pcps = {6, 5, 7, 1};
  CertifyStep step = step_of(Kind::class_guarantee, 0, 20_Mbps, 20_Mbps);
  step.slice_rate = 40_Mbps;
  step.others = 20_Mbps;
  step.is_in_company = true;
  CHECK(step_name(target, step) == "together: pcp 1,5-7 guarantee");
  CHECK(longest_delay(target, step) == Nanoseconds{500'000 + 24'672 + 616'800 + 1'233'600});
  Measured result = all_of(20_Mbps);
  result.others = 20_Mbps;
  CHECK(judge(target, step, result).outcome == Outcome::passed);
  result.lost = 1;
  CHECK(judge(target, step, result).why == "1 of 1000 frames lost");
  result.lost = 0;
  result.p99_delay = longest_delay(target, step) + microseconds{1};
  CHECK(judge(target, step, result).outcome == Outcome::failed);
  result.p99_delay = microseconds{9};
  result.received = 19_Mbps;
  CHECK(judge(target, step, result).outcome == Outcome::failed);
  step.kind = Kind::class_strict;
  CHECK(step_name(target, step) == "together: pcp 1,5-7 strict");
  CHECK(longest_delay(target, step) == Nanoseconds{500'000 + 24'672 + 616'800});
}

TEST_CASE("without the load of the others a class's row says nothing") {
  CertifyStep step = step_of(Kind::class_guarantee, 0, 20_Mbps, 20_Mbps);
  step.slice_rate = 40_Mbps;
  step.others = 20_Mbps;
  Measured result = all_of(20_Mbps);
  result.others = 19_Mbps;
  CHECK_THAT(verdict(step, result),
             Contains("inconclusive: this machine generates only 19.000 Mbit/s for the other classes"));
}

TEST_CASE("test traffic that is too slow or too little judges nothing") {
  Measured result = all_of(19800_kbps);
  result.sent = 989;
  CHECK_THAT(verdict(kWithin, result), Contains("inconclusive: this machine generates only 19.800 Mbit/s"));
  result.lost = 1;  // lost of less than was asked for
  CHECK_THAT(verdict(kWithin, result), Contains("FAIL: 1 of 989 frames lost"));
  const CertifyStep slow = step_of(Kind::guarantee, 25, 500_kbps, 500_kbps);
  CHECK_THAT(verdict(slow, all_of(500_kbps)), Contains("inconclusive: 117 frames in 1 s are too few"));
}

TEST_CASE("people see a table") {
  const std::string text = certify_text(sample_report());
  CHECK_THAT(text,
             Contains("slice  port    test               offered  expected  received  lost  reordered"));
  CHECK_THAT(text,
             Contains("lab    uplink  50 % of guarantee    10.00     10.00     10.00     0          0"));
  CHECK_THAT(text, Contains("FAIL: 1 of 1000 frames lost\n"));
  CHECK_THAT(text, Contains("from its core for 4.0 ms (try 3)\n"));
  CHECK_THAT(text, Contains("lab    uplink  pcp 5-6 "));
  CHECK_THAT(text, Contains("not tested: nothing to certify: why"));
  CHECK_THAT(text, Contains("1 of 5 rows passed, 1 FAILED, 1 inconclusive, 2 not tested"));
  CHECK_THAT(text, Contains(std::string(kCertifyCriteria)));
}

TEST_CASE("programs see the same") {
  const auto json = nlohmann::json::parse(certify_json(sample_report()));
  CHECK(json["passed"] == false);
  const auto& row = json["rows"][0];
  CHECK(row["test"] == "50 % of guarantee");
  CHECK(row["result"] == "pass");
  CHECK(row["why"] == nullptr);
  CHECK(row["expected_bits_per_second"] == 10'000'000);
  CHECK(row["measured"]["received_bits_per_second"] == 10'000'000);
  CHECK(row["measured"]["delay_variation_seconds"] == Approx(7e-6));
  CHECK(json["rows"][1]["result"] == "fail");
  CHECK(json["rows"][2]["result"] == "inconclusive");
  CHECK(json["rows"][2]["measured"]["worker_away_seconds"] == Approx(4e-3));
  CHECK(json["rows"][3]["result"] == "not_tested");
  CHECK(json["rows"][3]["measured"] == nullptr);
  CHECK(row["class_pcps"] == nullptr);
  CHECK(json["rows"][4]["class_pcps"] == nlohmann::json{5, 6});
  CHECK(json["rows"][4]["test"] == nullptr);
}

TEST_CASE("a file's name need not be text for programs to see its report") {
  CertifyReport report = sample_report();
  report.file = "of\xff.toml";
  CHECK(nlohmann::json::parse(certify_json(report))["file"] == "of\xef\xbf\xbd.toml");
}

TEST_CASE("what could not be tested does not fail a report") {
  CertifyReport report = sample_report();
  CHECK_FALSE(report.passed());
  report.rows.erase(report.rows.begin() + 1, report.rows.begin() + 3);
  CHECK(report.passed());
  CHECK(nlohmann::json::parse(certify_json(report))["passed"] == true);
}

}  // namespace bulkhead
