// SPDX-License-Identifier: Apache-2.0
#include "control/log.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cctype>
#include <fstream>
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

/// The text with every digit as a 0. (Not by <regex>: with AddressSanitizer, g++ 12 takes its inside for
/// uninitialised.)
std::string with_digits_as_zero(std::string text) {
  std::ranges::replace_if(text, [](unsigned char c) { return std::isdigit(c) != 0; }, '0');
  return text;
}

TEST_CASE("each event is a line with its time and its weight, out at once", "[log]") {
  const std::string text = written_by([] {
    log_info("all is well");
    log_warning("{} stays as it is");
    log_error("");
  });
  CHECK(with_digits_as_zero(text) ==
        "0000-00-00T00:00:00.000 info: all is well\n"
        "0000-00-00T00:00:00.000 warning: {} stays as it is\n"
        "0000-00-00T00:00:00.000 error: \n");
}

TEST_CASE("each line of a text is an event", "[log]") {
  const std::string text = written_by([] {
    log_error_lines("one\n  two\n");
    log_info_lines("three");
    log_info_lines("");
  });
  CHECK(with_digits_as_zero(text) ==
        "0000-00-00T00:00:00.000 error: one\n"
        "0000-00-00T00:00:00.000 error:   two\n"
        "0000-00-00T00:00:00.000 info: three\n");
}

}  // namespace
}  // namespace bulkhead
