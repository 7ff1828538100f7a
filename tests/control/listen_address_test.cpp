// SPDX-License-Identifier: Apache-2.0
#include "control/listen_address.hpp"

#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <vector>

#include "tests/control/raw_client.hpp"
#include "tests/control/temporary_directory.hpp"

using namespace bulkhead;

namespace {

Result<Listener> open(const std::string& text) {
  const auto address = ListenAddress::parse(text);
  if (!address) return std::unexpected(address.error());
  return Listener::open(*address);
}

}  // namespace

TEST_CASE("Addresses of every form are read, and known to be local or not") {
  struct Row {
    std::string text;
    bool local;
  };
  const std::vector<Row> rows = {
      {"127.0.0.1:9180", true},       {"127.1.2.3:0", true},  {"[::1]:9180", true},
      {"[::ffff:127.0.0.1]:1", true}, {"localhost:1", true},  {"unix:/run/bulkhead/stats.sock", true},
      {"0.0.0.0:9180", false},        {"[::]:9180", false},   {"192.0.2.1:9180", false},
      {"[2001:db8::1]:65535", false}, {"128.0.0.1:1", false}, {"[::ffff:192.0.2.1]:1", false},
  };
  for (const auto& [text, local] : rows) {
    INFO(text);
    const auto address = ListenAddress::parse(text);
    REQUIRE(address);
    CHECK(address->text() == text);
    CHECK(address->local() == local);
  }
}

TEST_CASE("What is no address is refused with the forms that are") {
  CHECK(ListenAddress::parse("9180").error().message() ==
        "stats: [stats] listen \"9180\" has no port; write \"127.0.0.1:9180\", \"[::1]:9180\" or "
        "\"unix:/run/bulkhead/stats.sock\"");
  CHECK_THAT(
      ListenAddress::parse("no such host:1").error().message(),
      Catch::Contains("no address is known for no such host") && Catch::Contains("write an IP address"));
}

TEST_CASE("A busy TCP port is refused, also to a second bulkhead") {
  const auto first = open("127.0.0.1:0");
  REQUIRE(first);
  REQUIRE(first->port() != 0);
  const std::string text = "127.0.0.1:" + std::to_string(first->port());
  CHECK(open(text).error().message() ==
        "stats: cannot listen on " + text +
            ": address already in use; stop the other process or choose another [stats] listen");
}

TEST_CASE("An address that the machine does not have is refused") {
  CHECK(open("192.0.2.1:9180").error().message() ==
        "stats: cannot listen on 192.0.2.1:9180: this machine has no such address; choose one that `ip "
        "address` "
        "shows");
}

TEST_CASE("A unix socket's file comes and goes with its listener") {
  const TemporaryDirectory directory;
  const std::string path = directory.file("stats.sock");
  {
    const mode_t umask_before = ::umask(0077);
    const auto listener = open("unix:" + path);
    ::umask(umask_before);
    REQUIRE(listener);
    CHECK(listener->port() == 0);
    struct stat status{};
    REQUIRE(::stat(path.c_str(), &status) == 0);
    CHECK(S_ISSOCK(status.st_mode));
    CHECK((status.st_mode & 0777) == 0660);  // whatever the umask
    CHECK(RawClient::unix_socket(path).connected());
  }
  CHECK_FALSE(std::filesystem::exists(path));
}

TEST_CASE("A dead process's socket file is replaced, a live one's is not") {
  const TemporaryDirectory directory;
  const std::string path = directory.file("stats.sock");
  {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path.c_str(), sizeof(address.sun_path) - 1);
    const UniqueFd dead(::socket(AF_UNIX, SOCK_STREAM, 0));
    REQUIRE(::bind(dead.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0);
  }
  REQUIRE(std::filesystem::exists(path));
  auto listener = open("unix:" + path);
  REQUIRE(listener);
  CHECK_THAT(open("unix:" + path).error().message(),
             Catch::Contains("address already in use; stop the other process"));
  CHECK(RawClient::unix_socket(path).connected());

  SECTION("and a file that somebody else has put there is left alone") {
    std::filesystem::remove(path);
    std::ofstream(path) << "mine";
    listener->close();
    CHECK(std::filesystem::exists(path));
    CHECK_THAT(open("unix:" + path).error().message(), Catch::Contains("is not a socket; remove it"));
  }
}

TEST_CASE("A missing directory is named") {
  const TemporaryDirectory directory;
  const std::string text = "unix:" + directory.file("missing/stats.sock");
  CHECK(open(text).error().message() == "stats: cannot listen on " + text + ": there is no directory " +
                                            directory.file("missing") +
                                            "; create it or choose another [stats] listen");
}
