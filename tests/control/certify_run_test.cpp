// SPDX-License-Identifier: Apache-2.0
#include "control/certify_run.hpp"

#include <fstream>
#include <sstream>

#include "control/run.hpp"
#include "tests/control/config_text.hpp"
#include "tests/control/temporary_directory.hpp"

// What is refused before anything starts; what starts is the business of certify_program.py.
namespace bulkhead {
namespace {

struct Outcome {
  int status;
  std::string complaint;
};

Outcome certify(const std::string& text, const std::optional<std::string>& slice = {}) {
  const TemporaryDirectory directory;
  const std::string file = directory.file("lab.toml");
  std::ofstream(file) << text;
  std::ostringstream out;
  std::ostringstream err;
  const int status = certify_command({.file = file, .slice = slice}, out, err);
  CHECK(out.str().empty());
  return {status, err.str()};
}

}  // namespace

TEST_CASE("a configuration that is wrong is refused") {
  const auto [status, complaint] = certify(kOneSlice + "colour = 1\n");
  CHECK(status == kExitRefused);
  CHECK_THAT(complaint, Catch::Contains("colour"));
}

TEST_CASE("a port needs a speed to be tested against") {
  const auto [status, complaint] = certify(kOneSlice);
  CHECK(status == kExitRefused);
  CHECK_THAT(complaint, Catch::Contains(":5: port \"office\" has no speed"));
}

TEST_CASE("a slice that is not there is answered with the nearest name") {
  const auto [status, complaint] = certify(kOneSlice, "lap");
  CHECK(status == kExitUsage);
  CHECK_THAT(complaint, Catch::Contains("is named \"lap\"; did you mean \"lab\"?"));
}

TEST_CASE("where no slice sends anything there is nothing to certify") {
  const std::string one_port =
      "[[port]]\nname = \"uplink\"\ndevice = \"net_null0\"\nspeed = \"10Gbps\"\n[[slice]]\nname = \"lab\"\n"
      "flowspace = [{port = \"uplink\"}]\n";
  const auto [status, complaint] = certify(one_port);
  CHECK(status == kExitRefused);
  CHECK_THAT(complaint, Catch::Contains("nothing to certify: the slice has one port"));
}

}  // namespace bulkhead
