// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

#include "control/unique_fd.hpp"

namespace bulkhead {

/// A client without manners: sends any bytes, and reads what comes. Its waits end after 20 s, so that a
/// server's fault is a failed test and not a hung one.
class RawClient {
 public:
  static RawClient tcp(uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return RawClient(AF_INET, reinterpret_cast<const sockaddr*>(&address), sizeof(address));
  }

  static RawClient unix_socket(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path.c_str(), sizeof(address.sun_path) - 1);
    return RawClient(AF_UNIX, reinterpret_cast<const sockaddr*>(&address), sizeof(address));
  }

  [[nodiscard]] bool connected() const { return connected_; }

  /// Sends what the server takes; false where it has closed.
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }

  /// No more will be sent; what comes can still be read.
  void finish() { ::shutdown(fd_.get(), SHUT_WR); }

  /// All that comes until the server closes.
  std::string read_to_end() {
    std::string text = std::exchange(received_, {});
    while (receive()) text += std::exchange(received_, {});
    return text;
  }

  /// What comes until the server closes, or `enough` bytes of it.
  std::string read_some(std::size_t enough) {
    while (received_.size() < enough && receive()) {
    }
    return std::exchange(received_, {});
  }

  /// One answer with a Content-Length: its head and its body. What follows is kept for the next call.
  std::string read_answer() {
    std::size_t end = std::string::npos;
    while ((end = received_.find("\r\n\r\n")) == std::string::npos) {
      if (!receive()) return std::exchange(received_, {});
    }
    const std::size_t field = received_.find("Content-Length: ");
    const std::size_t size = end + 4 + (field < end ? std::stoul(received_.substr(field + 16)) : 0);
    while (received_.size() < size && receive()) {
    }
    std::string answer = received_.substr(0, size);
    received_.erase(0, size);
    return answer;
  }

  /// Reads until `text` has come; false where the server closed before.
  bool read_until(std::string_view text) {
    while (received_.find(text) == std::string::npos) {
      if (!receive()) return false;
    }
    received_.erase(0, received_.find(text) + text.size());
    return true;
  }

 private:
  RawClient(int family, const sockaddr* address, socklen_t length)
      : fd_(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const timeval patience{.tv_sec = 20, .tv_usec = 0};
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    connected_ = ::connect(fd_.get(), address, length) == 0;
  }

  bool receive() {
    std::array<char, 65536> buffer;
    const ssize_t size = ::recv(fd_.get(), buffer.data(), buffer.size(), 0);
    if (size > 0) received_.append(buffer.data(), static_cast<std::size_t>(size));
    return size > 0;
  }

  UniqueFd fd_;
  std::string received_;
  bool connected_ = false;
};

}  // namespace bulkhead
