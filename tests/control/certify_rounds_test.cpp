// SPDX-License-Identifier: Apache-2.0
#include "control/certify_rounds.hpp"

#include "tests/control/config_text.hpp"

namespace bulkhead {
namespace {

using Names = std::vector<std::string>;

std::string slice(const std::string& name, const std::string& vlan, const std::string& more) {
  return "[[slice]]\nname = \"" + name + "\"\nflowspace = [{port = [\"uplink\", \"office\"], vlan = " + vlan +
         "}]\nbandwidth = {guarantee = \"20Mbps\", ceiling = \"20Mbps\"}\n" + more;
}

const std::string kClasses =
    "class = [{pcp = 7, strict = true}, {pcp = [4, 5], guarantee = \"4Mbps\", ceiling = \"8Mbps\"}]\n";

std::vector<CertifySubject> subjects(const std::string& slices,
                                     const std::optional<std::string>& judged = {}) {
  return certify_subjects(accepted(std::string(kTwoPorts) + "speed = \"100Mbps\"\n" + slices), judged);
}

/// "slice port test", the rows of a round joined by " | "; others in brackets.
Names names_of(const std::vector<CertifyRound>& rounds) {
  Names out;
  for (const CertifyRound& round : rounds) {
    out.emplace_back();
    for (const CertifyPart& part : round) {
      const std::string name =
          part.target.slice + " " + part.target.port + " " + step_name(part.target, part.step);
      out.back() += (out.back().empty() ? "" : " | ") + (part.is_judged ? name : "(" + name + ")");
    }
  }
  return out;
}

}  // namespace

TEST_CASE("classes are tested after their slice, and once more while everybody sends") {
  const auto all = subjects(slice("a", "7", kClasses) + slice("b", "8", ""), "a");
  const Names names = names_of(certify_rounds(all));
  REQUIRE(names.size() == 2 * (5 + 3) + 1 + 2);
  CHECK(names[4] == "a uplink overshoot");
  CHECK(Names(names.begin() + 5, names.begin() + 8) ==
        Names{"a uplink pcp 7 strict | (a uplink together)",
              "a uplink pcp 4-5 guarantee | (a uplink together)", "a uplink pcp 4-5 overshoot"});
  CHECK(names[16] == "a uplink together | a office together | (b uplink together) | (b office together)");
  CHECK(names[17] ==
        "a uplink together: pcp 7 strict | (a uplink together) | a office together: pcp 7 strict | "
        "(a office together) | (b uplink together) | (b office together)");
  CHECK(names[18].starts_with("a uplink together: pcp 4-5 guarantee | "));
}

TEST_CASE("the classes of slices that are not asked for add nothing") {
  const auto all = subjects(slice("a", "7", kClasses) + slice("b", "8", ""), "b");
  CHECK(certify_rounds(all).size() == 2 * 5 + 1);
}

TEST_CASE("each part sends what its step says") {
  const auto all = subjects(slice("a", "7", kClasses));
  for (const CertifyRound& round : certify_rounds(all))
    for (const CertifyPart& part : round) {
      BitsPerSecond sum;
      for (const BitsPerSecond rate : part.rates) sum += rate;
      CHECK(sum.count() + part.rates.size() >= part.step.offered.count());
      CHECK(sum <= part.step.offered);
    }
}

TEST_CASE("a round lasts as long as the slowest of its parts") {
  const auto all = subjects(slice("a", "7", "class = [{pcp = 4, guarantee = \"50kbps\"}]\n"));
  const auto rounds = certify_rounds(all);
  const std::chrono::duration<double> second{1};
  CHECK(time_of(rounds[0], second).window == second);
  CHECK(time_of(rounds[5], second).window.count() == Approx(200 * 536 * 8 / 5e4));
}

}  // namespace bulkhead
