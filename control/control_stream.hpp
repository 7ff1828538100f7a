// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <httplib.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstring>
#include <string>
#include <string_view>

namespace bulkhead {

/// One connection to the control socket as the HTTP library wants to see it, with what the library (0.11.4)
/// does not have: a limit to the time of the whole request, and to the bytes of its head. (The body's it
/// has.)
class ControlStream final : public httplib::Stream {
 public:
  using Clock = std::chrono::steady_clock;

  ControlStream(int fd, std::size_t head_bytes, std::chrono::milliseconds patience)
      : fd_(fd), head_left_(head_bytes), patience_(patience), deadline_(Clock::now() + patience) {}

  [[nodiscard]] bool is_readable() const override {
    return !buffered_.empty() || wait_for(POLLIN, deadline_);
  }
  [[nodiscard]] bool is_writable() const override { return wait_for(POLLOUT, Clock::now() + patience_); }

  ssize_t read(char* data, std::size_t size) override {
    // The library reads a head byte by byte, and a body in larger pieces.
    if (size == 1 && head_left_ == 0) return -1;
    if (size == 1) --head_left_;
    if (buffered_.empty() && !receive()) return -1;
    const std::size_t count = std::min(size, buffered_.size());
    std::memcpy(data, buffered_.data(), count);
    buffered_.remove_prefix(count);
    return static_cast<ssize_t>(count);
  }

  ssize_t write(const char* data, std::size_t size) override {
    if (!is_writable()) return -1;
    const ssize_t sent = ::send(fd_, data, size, MSG_NOSIGNAL | MSG_DONTWAIT);
    return sent < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : sent;
  }

  void get_remote_ip_and_port(std::string&, int& port) const override { port = 0; }
  void get_local_ip_and_port(std::string&, int& port) const override { port = 0; }
  [[nodiscard]] socket_t socket() const override { return fd_; }

 private:
  bool receive() {
    if (!wait_for(POLLIN, deadline_)) return false;
    const ssize_t got = ::recv(fd_, buffer_.data(), buffer_.size(), MSG_DONTWAIT);
    if (got > 0) buffered_ = std::string_view(buffer_.data(), static_cast<std::size_t>(got));
    return got > 0;
  }

  [[nodiscard]] bool wait_for(short events, Clock::time_point deadline) const {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
    pollfd polled{.fd = fd_, .events = events, .revents = 0};
    return left > 0 && ::poll(&polled, 1, static_cast<int>(left)) > 0;
  }

  int fd_;
  std::array<char, 16384> buffer_;
  std::string_view buffered_;  // what of it has not been read yet
  std::size_t head_left_;
  std::chrono::milliseconds patience_;
  Clock::time_point deadline_;  // of the request
};

}  // namespace bulkhead
