// SPDX-License-Identifier: Apache-2.0
#include "control/certify_plan.hpp"

#include "tests/control/config_text.hpp"

namespace bulkhead {
namespace {

std::vector<CertifySubject> subjects(const std::string& slices,
                                     const std::optional<std::string>& slice = {}) {
  return certify_subjects(accepted(std::string(kTwoPorts) + "speed = \"100Mbps\"\n" + slices), slice);
}

}  // namespace

TEST_CASE("every slice is tested at each of its ports, against what it is promised there") {
  const auto found = subjects(
      "[[slice]]\nname = \"lab\"\nflowspace = [{port = [\"uplink\", \"office\"], vlan = \"untagged\"}]\n"
      "bandwidth = {guarantee = \"20Mbps\", weight = 7}\n");
  REQUIRE(found.size() == 2);
  CHECK(found[0].target.port == "uplink");
  CHECK(found[0].target.ceiling == 10_Gbps);
  CHECK(found[0].target.frame == 1538_B);  // full frames, where the rate is high
  CHECK(found[1].target.port == "office");
  CHECK(found[1].target.speed == 100_Mbps);
  CHECK(found[1].target.guarantee == 20_Mbps);
  CHECK(found[1].target.ceiling == 100_Mbps);
  CHECK(found[1].target.weight == 7);
  CHECK(found[1].target.burst == 25'000_B);
  CHECK(found[1].target.frame == 536_B);
  CHECK(found[1].target.flows == 1);
}

TEST_CASE("classes that all have a ceiling are one for the slice, with the bursts of all") {
  const std::string classes =
      "[[slice.class]]\npcp = [0, 1, 2, 3]\nceiling = \"5Mbps\"\n[[slice.class]]\npcp = [4, 5, 6, "
      "7]\nceiling = \"8Mbps\"\n";
  const std::string slice =
      "[[slice]]\nname = \"lab\"\nflowspace = [{port = [\"uplink\", \"office\"], vlan = 7}]\n";
  const CertifySubject found = subjects(slice + classes).front();
  CHECK(found.target.ceiling == 13_Mbps);
  CHECK(found.target.burst == Bytes{uint64_t{2} * 2 * 1542});
  CHECK(found.class_ceilings() == std::vector<BitsPerSecond>{5_Mbps, 8_Mbps});
  CHECK(subjects(slice + "bandwidth = {ceiling = \"9Mbps\"}\n" + classes).front().target.ceiling == 9_Mbps);
}

TEST_CASE("where nothing can be sent there is a reason") {
  const auto found = subjects(
      "[[slice]]\nname = \"alone\"\nflowspace = [{port = \"uplink\", vlan = 7}]\n"
      "[[slice]]\nname = \"apart\"\nflowspace = [{port = \"uplink\", vlan = \"10-11\"}, {port = \"office\", "
      "vlan = \"20-21\"}]\n");
  REQUIRE(found.size() == 3);
  CHECK(found[0].streams.empty());
  CHECK(found[0].why_not == "nothing to certify: the slice has one port, and sends to no other");
  CHECK(found[1].why_not ==
        "nothing to certify: what comes in for the slice at its other ports may not leave here");
}

TEST_CASE("classes that the file names are tested for what it promises them, where frames can be in them") {
  using Kind = CertifyStep::Kind;
  const std::string slice =
      "[[slice]]\nname = \"lab\"\nflowspace = [{port = [\"uplink\", \"office\"], vlan = ";
  const std::string classes =
      "class = [{pcp = 7, strict = true}, {pcp = 5, guarantee = \"2Mbps\", ceiling = \"3Mbps\"}, {pcp = 4}]\n"
      "bandwidth = {guarantee = \"2Mbps\"}\n";
  const CertifySubject tagged = subjects(slice + "7}]\n" + classes).front();
  std::vector<std::pair<Kind, std::size_t>> tests;
  for (const ClassTest& test : tagged.class_tests)
    tests.emplace_back(test.kind, tagged.streams[test.stream].class_number);
  CHECK(tests == std::vector<std::pair<Kind, std::size_t>>{
                     {Kind::class_strict, 0}, {Kind::class_guarantee, 1}, {Kind::class_ceiling, 1}});
  CHECK(tagged.untested.empty());
  const CertifySubject untagged = subjects(slice + "\"untagged\"}]\n" + classes).front();
  CHECK(untagged.class_tests.empty());
  CHECK(untagged.untested == std::vector<std::vector<uint8_t>>{{7}, {5}});
  CHECK(subjects(slice + "7}]\n").front().class_tests.empty());
}

TEST_CASE("the slices that are not asked for only send") {
  const std::string two =
      "[[slice]]\nname = \"a\"\nflowspace = [{port = [\"uplink\", \"office\"], vlan = 7}]\n"
      "[[slice]]\nname = \"b\"\nflowspace = [{port = [\"uplink\", \"office\"], vlan = 8}]\n";
  const auto found = subjects(two, "b");
  REQUIRE(found.size() == 4);
  CHECK_FALSE(found[0].is_judged);
  CHECK(found[2].is_judged);
  CHECK(subjects(two).front().is_judged);
}

}  // namespace bulkhead
