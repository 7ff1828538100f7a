// SPDX-License-Identifier: Apache-2.0
#include "control/certify_class.hpp"

#include "tests/control/config_text.hpp"

namespace bulkhead {
namespace {

using Kind = CertifyStep::Kind;
using Rates = std::vector<BitsPerSecond>;

/// PCPs 7 and 6 strict, 5 with both rates, 4 with a guarantee, and the others.
CertifySubject subject() {
  return certify_subjects(
             accepted(std::string(kTwoPorts) +
                      "speed = \"100Mbps\"\n[[slice]]\nname = \"lab\"\n"
                      "flowspace = [{port = [\"uplink\", \"office\"], vlan = 7}]\n"
                      "bandwidth = {guarantee = \"40Mbps\", ceiling = \"80Mbps\"}\n"
                      "class = [{pcp = 7, strict = true}, {pcp = 6, strict = true}, {pcp = 5, guarantee = "
                      "\"20Mbps\", ceiling = \"30Mbps\"}, {pcp = 4, guarantee = \"10Mbps\"}]\n"),
             {})
      .back();
}

ClassTest test_of(const CertifySubject& subject, Kind kind, std::size_t number) {
  for (std::size_t stream = 0; stream < subject.streams.size(); ++stream)
    if (subject.streams[stream].class_number == number) return {kind, stream};
  FAIL("no stream");
  return {};
}

/// What each class is offered beside the one that is tested, in the order of service.
Rates others_of(const CertifySubject& subject, const ClassLoad& load) {
  Rates out(subject.classes.size());
  for (std::size_t stream = 0; stream < subject.streams.size(); ++stream)
    out[subject.streams[stream].class_number] = load.others[stream];
  return out;
}

}  // namespace

TEST_CASE("a guarantee is asked for while the others are overloaded and strict ones leave room for it") {
  const CertifySubject lab = subject();
  const ClassLoad load = class_load(lab, test_of(lab, Kind::class_guarantee, 2), 80_Mbps);
  CHECK(load.step.offered == 20_Mbps);
  CHECK(load.step.expected == 20_Mbps);
  CHECK(load.step.others == 60_Mbps);
  // Strict: half of 80 - 20 - 10. The others: 100 in halves.
  CHECK(others_of(lab, load) == Rates{12500_kbps, 12500_kbps, 0_bps, 50_Mbps, 50_Mbps});
}

TEST_CASE("an overloaded class with a guarantee is offered more than that") {
  const CertifySubject lab = subject();
  const ClassLoad load = class_load(lab, test_of(lab, Kind::class_guarantee, 3), 32_Mbps);
  CHECK(others_of(lab, load) == Rates{500_kbps, 500_kbps, 25_Mbps, 0_bps, 20_Mbps});
}

TEST_CASE("a strict class is asked for half of the slice's rate; those behind it are overloaded") {
  const CertifySubject lab = subject();
  const ClassLoad load = class_load(lab, test_of(lab, Kind::class_strict, 1), 40_Mbps);
  CHECK(load.step.offered == 20_Mbps);
  const Rates others = others_of(lab, load);
  CHECK(others[0] == 0_bps);  // guarantees of 30 and the class's 20 leave nothing
  CHECK(others[1] == 0_bps);
  CHECK(others[2] + others[3] + others[4] >= 50_Mbps);
}

TEST_CASE("past its ceiling a class sends alone") {
  const CertifySubject lab = subject();
  const ClassTest test = test_of(lab, Kind::class_ceiling, 2);
  const ClassLoad load = class_load(lab, test, 80_Mbps);
  CHECK(load.step.offered == 37500_kbps);
  CHECK(load.step.expected == 30_Mbps);
  CHECK(load.step.others == 0_bps);
  CHECK(others_of(lab, load) == Rates(5));
  const CertifyTarget target = class_target(lab, test);
  CHECK(target.pcps == std::vector<uint8_t>{5});
  CHECK(target.ceiling == 30_Mbps);
  CHECK(target.guarantee == 20_Mbps);
  CHECK(target.burst == 7500_B);
  CHECK(target.flows == 1);
}

TEST_CASE("a class that has no ceiling has the slice's, with its burst") {
  const CertifySubject lab = subject();
  const CertifyTarget target = class_target(lab, test_of(lab, Kind::class_strict, 0));
  CHECK(target.ceiling == 80_Mbps);
  CHECK(target.burst == lab.target.burst);
  CHECK(target.guarantee == 0_bps);
}

}  // namespace bulkhead
