// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "control/listen_text.hpp"
#include "control/unique_fd.hpp"
#include "nic/error.hpp"

namespace bulkhead {

/// Who listens, for messages, and for whom.
struct ListenPurpose {
  std::string who = "stats";
  std::string setting = "[stats] listen";  // by which the operator chooses the address
  uint32_t mode = 0660;                    // of a unix socket's file
};

/// Where a server listens, from text: "127.0.0.1:9180", "[::1]:9180", "localhost:9180" or
/// "unix:/run/bulkhead/stats.sock". A value.
class ListenAddress {
 public:
  /// Host names are resolved, which may take the resolver's time.
  [[nodiscard]] static Result<ListenAddress> parse(std::string_view text, const ListenPurpose& purpose = {});

  [[nodiscard]] const std::string& text() const { return text_; }  // as the operator wrote it
  [[nodiscard]] const ListenPurpose& purpose() const { return purpose_; }
  [[nodiscard]] const std::string& path() const { return path_; }  // of a unix socket, else empty
  /// Only this machine's own processes can reach it: a loopback address or a unix socket.
  [[nodiscard]] bool local() const;

  [[nodiscard]] const sockaddr* address() const { return reinterpret_cast<const sockaddr*>(&storage_); }
  [[nodiscard]] socklen_t length() const { return length_; }

 private:
  ListenAddress(std::string_view text, const ListenPurpose& purpose) : text_(text), purpose_(purpose) {}
  [[nodiscard]] static ListenAddress at_path(ListenAddress address, const std::string& path);
  [[nodiscard]] static Result<ListenAddress> resolve(ListenAddress address, const ListenText& parts);

  std::string text_;
  ListenPurpose purpose_;
  std::string path_;
  sockaddr_storage storage_{};
  socklen_t length_ = 0;
};

/// A bound, listening, non-blocking stream socket. Move-only. A unix socket's file is removed at the end,
/// if it is still the same one.
class Listener {
 public:
  /// A unix socket's file that a dead process left behind is replaced; one that is served is refused.
  [[nodiscard]] static Result<Listener> open(const ListenAddress& address);

  Listener(Listener&& other) noexcept
      : fd_(std::move(other.fd_)), path_(std::exchange(other.path_, {})), inode_(other.inode_) {}
  Listener& operator=(Listener&&) = delete;
  ~Listener() { close(); }

  [[nodiscard]] int fd() const { return fd_.get(); }
  /// The TCP port, also where port 0 let the system choose; 0 for a unix socket.
  [[nodiscard]] uint16_t port() const;
  void close();

 private:
  Listener(UniqueFd fd, std::string path);

  UniqueFd fd_;
  std::string path_;
  uint64_t inode_ = 0;
};

}  // namespace bulkhead
