// SPDX-License-Identifier: Apache-2.0
#include "nic/eal.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <catch2/catch.hpp>
#include <functional>

#include "tests/support/eal.hpp"

using namespace bulkhead;

namespace {

/// What `speak` says in a process of its own: DPDK can be started only once in each.
std::string in_child(const std::function<std::string()>& speak) {
  std::array<int, 2> ends{};
  REQUIRE(pipe(ends.data()) == 0);
  const pid_t child = fork();
  if (child == 0) {
    const std::string said = speak();
    const ssize_t written = write(ends[1], said.data(), said.size());
    _exit(written == static_cast<ssize_t>(said.size()) ? 0 : 1);
  }
  close(ends[1]);
  std::string heard;
  std::array<char, 256> part{};
  for (ssize_t n; (n = read(ends[0], part.data(), part.size())) > 0;)
    heard.append(part.data(), static_cast<size_t>(n));
  close(ends[0]);
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK(status == 0);
  return heard;
}

std::string start_and_say(const EalOptions& options) {
  const auto eal = Eal::start(options);
  return eal ? "started" : eal.error().message();
}

}  // namespace

TEST_CASE("memory that the machine has not got is refused before anything is taken", "[eal]") {
  const std::string said = in_child([] {
    return start_and_say(
        {.memory = Bytes{uint64_t{1} << 50}, .pci_devices = {}, .arguments = {}, .log = nullptr});
  });
  CHECK(said.starts_with("packet memory: 1073741824 MiB and 64 MiB for DPDK are more than the "));
  CHECK(said.ends_with("lower [appliance] memory"));
}

TEST_CASE("an argument that DPDK does not know is refused with a sentence", "[eal]") {
  const std::string said = in_child([] {
    return start_and_say(
        {.memory = 16_MiB, .pci_devices = {}, .arguments = {"--no-such-thing"}, .log = nullptr});
  });
  CHECK(said.starts_with("DPDK: did not start: "));
  CHECK(said.ends_with("check [appliance] memory and eal, and the permission to use them"));
}

TEST_CASE("DPDK starts once in a process", "[eal]") {
  test::test_eal();
  const auto second = Eal::start({.memory = 16_MiB, .pci_devices = {}, .arguments = {}, .log = nullptr});
  REQUIRE_FALSE(second);
  CHECK(second.error().message() == "DPDK: can be started only once in a process; restart bulkhead");
}
