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

TEST_CASE("every port needs a speed to be tested against") {
  const auto [status, complaint] = certify(kOneSlice);
  CHECK(status == kExitRefused);
  CHECK_THAT(complaint,
             Catch::Contains("lab.toml:5:1: port \"office\" has no speed, and certify does not open "
                             "its device to ask; write the device's, such as speed = \"10Gbps\"\n"));
  std::string none = kOneSlice;
  none.erase(none.find("speed"), none.find('\n', none.find("speed")) + 1 - none.find("speed"));
  const std::string both = certify(none).complaint;
  CHECK_THAT(both, Catch::Contains("port \"uplink\" has no speed"));
  CHECK_THAT(both, Catch::Contains("port \"office\" has no speed"));
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
