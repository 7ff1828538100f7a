// SPDX-License-Identifier: Apache-2.0
#include "control/token_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>

#include "control/unique_fd.hpp"

namespace bulkhead {
namespace {

constexpr std::size_t kMaxToken = 1024;

std::unexpected<Error> refuse(const std::string& path, const std::string& cause_and_remedy) {
  return fail("stats: token file " + path + ": " + cause_and_remedy);
}

}  // namespace

Result<std::string> load_token(const std::string& path) {
  // Not blocking: the path might name a pipe.
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd) {
    return refuse(path, "cannot be read (" + std::system_category().message(errno) +
                            "); create it with one line, the token, readable for this process's user only");
  }
  struct stat status{};
  if (::fstat(fd.get(), &status) != 0 || !S_ISREG(status.st_mode)) {
    return refuse(path, "is not a regular file; name a file that holds one line, the token");
  }
  if ((status.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
    return refuse(path, "others than its owner have access to it; run `chmod 600 " + path + "`");
  }
  std::array<char, kMaxToken + 2> buffer;
  const ssize_t size = ::read(fd.get(), buffer.data(), buffer.size());
  if (size < 0)
    return refuse(path, "cannot be read (" + std::system_category().message(errno) + "); check the disk");
  std::string token(buffer.data(), static_cast<std::size_t>(size));
  token.erase(token.find_last_not_of(" \t\r\n") + 1);
  if (token.empty()) return refuse(path, "is empty; write one line into it, the token");
  const bool visible = std::ranges::all_of(token, [](char c) { return c > ' ' && c < 0x7f; });
  if (!visible || token.size() > kMaxToken) {
    return refuse(path, "is not a token; write one line of at most " + std::to_string(kMaxToken) +
                            " visible ASCII characters into it");
  }
  return token;
}

}  // namespace bulkhead
