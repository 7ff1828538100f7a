// SPDX-License-Identifier: Apache-2.0
#include "control/listen_address.hpp"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>
#include <system_error>

namespace bulkhead {
namespace {

constexpr int kBacklog = 512;

std::unexpected<Error> cannot_listen(const ListenAddress& address, const std::string& cause_and_remedy) {
  return fail(address.purpose().who + ": cannot listen on " + address.text() + ": " + cause_and_remedy);
}

std::string explain(const ListenAddress& address, int error) {
  const bool unix_socket = !address.path().empty();
  const std::string choose = "choose another " + address.purpose().setting;
  switch (error) {
    case EADDRINUSE:
      return "address already in use; stop the other process or " + choose;
    case EADDRNOTAVAIL:
      return "this machine has no such address; choose one that `ip address` shows";
    case EACCES:
    case EPERM:
      return unix_socket ? "permission denied; make its directory writable for this process or " + choose
                         : "permission denied; choose a port above 1023 or grant CAP_NET_BIND_SERVICE";
    case ENOENT:
    case ENOTDIR:
      return "there is no directory " + std::filesystem::path(address.path()).parent_path().string() +
             "; create it or " + choose;
    default:
      return std::system_category().message(error) + "; " + choose;
  }
}

/// Whether somebody answers at a unix socket's path. A full backlog or a socket of another kind is somebody
/// too.
bool is_served(const ListenAddress& address) {
  const UniqueFd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  return ::connect(probe.get(), address.address(), address.length()) == 0 || errno != ECONNREFUSED;
}

/// Takes a dead process's socket file out of the way. Anything else at that path is left alone.
Result<void> remove_stale(const ListenAddress& address) {
  struct stat status{};
  if (::lstat(address.path().c_str(), &status) != 0) return {};
  if (!S_ISSOCK(status.st_mode)) {
    return cannot_listen(address, "the file is there and is not a socket; remove it or choose another " +
                                      address.purpose().setting);
  }
  if (is_served(address)) return cannot_listen(address, explain(address, EADDRINUSE));
  if (::unlink(address.path().c_str()) != 0) return cannot_listen(address, explain(address, errno));
  return {};
}

/// The file's inode number, 0 where there is none.
uint64_t inode_of(const std::string& path) {
  struct stat status{};
  return ::lstat(path.c_str(), &status) == 0 ? status.st_ino : 0;
}

}  // namespace

Result<ListenAddress> ListenAddress::parse(std::string_view text, const ListenPurpose& purpose) {
  const auto parts = read_listen_text(text);
  if (!parts)
    return fail(purpose.who + ": " + purpose.setting + " \"" + std::string(text) + "\" " + parts.error());
  return parts->path.empty() ? resolve(ListenAddress(text, purpose), *parts)
                             : at_path(ListenAddress(text, purpose), parts->path);
}

ListenAddress ListenAddress::at_path(ListenAddress address, const std::string& path) {
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  std::memcpy(name.sun_path, path.c_str(), path.size() + 1);
  std::memcpy(&address.storage_, &name, sizeof(name));
  address.length_ = sizeof(name);
  address.path_ = path;
  return address;
}

Result<ListenAddress> ListenAddress::resolve(ListenAddress address, const ListenText& parts) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int error = ::getaddrinfo(parts.host.c_str(), parts.port.c_str(), &hints, &found);
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(found, &::freeaddrinfo);
  if (error != 0) {
    return cannot_listen(address, "no address is known for " + parts.host + " (" + ::gai_strerror(error) +
                                      "); write an IP address");
  }
  std::memcpy(&address.storage_, found->ai_addr, found->ai_addrlen);
  address.length_ = found->ai_addrlen;
  return address;
}

bool ListenAddress::local() const {
  if (storage_.ss_family == AF_UNIX) return true;
  if (storage_.ss_family == AF_INET) {
    sockaddr_in v4{};
    std::memcpy(&v4, &storage_, sizeof(v4));
    return ntohl(v4.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
  }
  sockaddr_in6 v6{};
  std::memcpy(&v6, &storage_, sizeof(v6));
  return IN6_IS_ADDR_LOOPBACK(&v6.sin6_addr) ||
         (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr) && v6.sin6_addr.s6_addr[12] == IN_LOOPBACKNET);
}

Listener::Listener(UniqueFd fd, std::string path)
    : fd_(std::move(fd)), path_(std::move(path)), inode_(path_.empty() ? 0 : inode_of(path_)) {}

Result<Listener> Listener::open(const ListenAddress& address) {
  if (!address.path().empty()) {
    if (auto removed = remove_stale(address); !removed) return std::unexpected(removed.error());
  }
  UniqueFd fd(::socket(address.address()->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return cannot_listen(address, explain(address, errno));
  if (address.path().empty()) {
    // A restart must not wait for the last connections' TIME_WAIT. Not SO_REUSEPORT: a second process on the
    // port has to be refused, not to share the scrapes.
    const int on = 1;
    ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  } else {
    ::fchmod(fd.get(),
             address.purpose()
                 .mode);  // Linux gives the file the socket's mode, less the umask: never more than this
  }
  if (::bind(fd.get(), address.address(), address.length()) != 0) {
    return cannot_listen(address, explain(address, errno));
  }
  // Whatever the umask. Nobody can connect before listen().
  if (!address.path().empty() && ::chmod(address.path().c_str(), address.purpose().mode) != 0) {
    const int error = errno;
    ::unlink(address.path().c_str());
    return cannot_listen(address, explain(address, error));
  }
  Listener listener(std::move(fd), address.path());
  if (::listen(listener.fd(), kBacklog) != 0) return cannot_listen(address, explain(address, errno));
  return listener;
}

uint16_t Listener::port() const {
  sockaddr_storage storage{};
  socklen_t length = sizeof(storage);
  if (::getsockname(fd_.get(), reinterpret_cast<sockaddr*>(&storage), &length) != 0) return 0;
  if (storage.ss_family != AF_INET && storage.ss_family != AF_INET6) return 0;
  sockaddr_in v4{};  // the port is at the same place in both families
  std::memcpy(&v4, &storage, sizeof(v4));
  return ntohs(v4.sin_port);
}

void Listener::close() {
  if (!fd_) return;
  // Another process may have replaced the file meanwhile; that one is not ours to remove.
  if (!path_.empty() && inode_of(path_) == inode_) ::unlink(path_.c_str());
  fd_.reset();
}

}  // namespace bulkhead
