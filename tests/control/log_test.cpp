// SPDX-License-Identifier: Apache-2.0
#include "control/log.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <fstream>
#include <regex>
#include <sstream>

#include "tests/control/temporary_directory.hpp"

namespace bulkhead {
namespace {

/// What `act` writes to standard error.
template <class Act>
std::string written_by(Act act) {
  const TemporaryDirectory directory;
  const std::string path = directory.file("log");
  const int before = ::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0);
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  ::dup2(file, STDERR_FILENO);
  act();
  ::dup2(before, STDERR_FILENO);
  ::close(file);
  ::close(before);
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

TEST_CASE("each event is a line with its time and its weight, out at once", "[log]") {
  const std::string text = written_by([] {
    log_info("all is well");
    log_warning("{} stays as it is");
    log_error("");
  });
  const std::regex lines(
      R"((\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3} (info: all is well|warning: \{\} stays as it is|error: )\n){3})");
  INFO(text);
  CHECK(std::regex_match(text, lines));
}

}  // namespace
}  // namespace bulkhead
