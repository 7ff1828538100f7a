// SPDX-License-Identifier: Apache-2.0
#include "control/sd_notify.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <cstring>
#include <string>

using namespace bulkhead;

namespace {

/// Stands in for the service manager: a datagram socket in the abstract namespace, named by NOTIFY_SOCKET.
class Manager {
 public:
  Manager() : fd_(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    const std::string name = "@bulkhead-sd-notify-test-" + std::to_string(getpid());
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, name.data(), name.size());
    address.sun_path[0] = '\0';
    const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
    REQUIRE(bind(fd_, reinterpret_cast<const sockaddr*>(&address), length) == 0);
    setenv("NOTIFY_SOCKET", name.c_str(), 1);
  }
  ~Manager() {
    unsetenv("NOTIFY_SOCKET");
    close(fd_);
  }
  Manager(const Manager&) = delete;
  Manager& operator=(const Manager&) = delete;

  /// The next message; empty where none has come. sd_notify returns only after it has sent.
  [[nodiscard]] std::string next() const {
    std::array<char, 512> buffer{};
    const ssize_t size = recv(fd_, buffer.data(), buffer.size(), MSG_DONTWAIT);
    return size < 0 ? std::string() : std::string(buffer.data(), static_cast<std::size_t>(size));
  }

 private:
  int fd_;
};

}  // namespace

TEST_CASE("The manager hears of start, reload, status and stop") {
  const Manager manager;
  notify_ready();
  CHECK(manager.next() == "READY=1");
  notify_status("3 slices on 2 ports\nREADY=1");
  CHECK(manager.next() == "STATUS=3 slices on 2 ports");
  notify_stopping();
  CHECK(manager.next() == "STOPPING=1");

  notify_reloading();
  const std::string reloading = manager.next();
  const std::string prefix = "RELOADING=1\nMONOTONIC_USEC=";
  REQUIRE(reloading.starts_with(prefix));
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  const long long sent = std::stoll(reloading.substr(prefix.size()));
  CHECK(sent > 0);
  CHECK(sent <= now.tv_sec * 1'000'000LL + now.tv_nsec / 1000);
  CHECK(manager.next().empty());
}

TEST_CASE("Without a manager nothing happens") {
  unsetenv("NOTIFY_SOCKET");
  notify_ready();
  notify_reloading();
  notify_status("on my own");
  notify_stopping();
  setenv("NOTIFY_SOCKET", "/nonexistent/notify", 1);
  notify_ready();
  unsetenv("NOTIFY_SOCKET");
}
