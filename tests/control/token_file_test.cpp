// SPDX-License-Identifier: Apache-2.0
#include "control/token_file.hpp"

#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <fstream>
#include <vector>

#include "tests/control/temporary_directory.hpp"

using namespace bulkhead;

namespace {

std::string write_token(const TemporaryDirectory& directory, const std::string& content, mode_t mode = 0600) {
  const std::string path = directory.file("token");
  std::ofstream(path) << content;
  ::chmod(path.c_str(), mode);
  return path;
}

}  // namespace

TEST_CASE("A token is read without the line's end") {
  const TemporaryDirectory directory;
  CHECK(load_token(write_token(directory, "s3cret-%41\n")).value() == "s3cret-%41");
  CHECK(load_token(write_token(directory, "s3cret \r\n\n")).value() == "s3cret");
  CHECK(load_token(write_token(directory, std::string(1024, 'a'))).value().size() == 1024);
}

TEST_CASE("A file that is no safe token is refused with the remedy") {
  const TemporaryDirectory directory;
  struct Row {
    std::string description;
    std::string content;
    mode_t mode;
    std::string remedy;
  };
  const std::vector<Row> rows = {
      {"empty", "", 0600, "is empty; write one line"},
      {"blank", "\n \n", 0600, "is empty; write one line"},
      {"two words", "two words\n", 0600, "is not a token; write one line of at most 1024"},
      {"two lines", "a\nb\n", 0600, "is not a token"},
      {"not ASCII", "\xc3\xa4\n", 0600, "is not a token"},
      {"too long", std::string(1025, 'a'), 0600, "is not a token"},
      {"far too long", std::string(1 << 20, 'a'), 0600, "is not a token"},
      {"group may read", "s3cret\n", 0640, "run `chmod 600 "},
      {"world may read", "s3cret\n", 0604, "run `chmod 600 "},
  };
  for (const auto& row : rows) {
    INFO(row.description);
    const auto token = load_token(write_token(directory, row.content, row.mode));
    REQUIRE_FALSE(token);
    CHECK(token.error().message().starts_with("stats: token file " + directory.file("token") + ": "));
    CHECK_THAT(token.error().message(), Catch::Contains(row.remedy));
  }
  CHECK_THAT(load_token(directory.file("nowhere")).error().message(),
             Catch::Contains("No such file or directory") && Catch::Contains("create it"));
  CHECK_THAT(load_token(directory.file("")).error().message(), Catch::Contains("is not a regular file"));
  const std::string pipe = directory.file("pipe");
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  CHECK_THAT(load_token(pipe).error().message(), Catch::Contains("is not a regular file"));
}
