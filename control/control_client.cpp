// SPDX-License-Identifier: Apache-2.0
#include "control/control_client.hpp"

#include <httplib.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <charconv>
#include <cstring>

#include "control/control_protocol.hpp"
#include "control/unique_fd.hpp"

namespace bulkhead {
namespace {

constexpr std::chrono::seconds kPatienceToSend{10};
// A change of many devices takes long; a process that is stuck is another matter, for its manager.
constexpr std::chrono::seconds kPatienceForAnswer{600};

/// Why nobody can be reached there: the library does not say.
int connect_error(const std::string& socket) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (socket.size() >= sizeof(address.sun_path)) return ENAMETOOLONG;
  std::memcpy(address.sun_path, socket.c_str(), socket.size());
  const UniqueFd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  return ::connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0 ? 0
                                                                                                   : errno;
}

Answer unreachable(const std::string& socket) {
  switch (const int error = connect_error(socket)) {
    case ENOENT:
    case ENOTDIR:
    case ECONNREFUSED:
      return {kExitNotRunning,
              "no appliance is running at " + socket +
                  "; start one with `bulkhead run FILE`, or name its socket with --socket\n"};
    case EACCES:
    case EPERM:
      return {kExitFailed, socket + ": permission denied; ask as the user that the appliance runs as\n"};
    default:
      return {kExitFailed, socket + ": cannot be reached: " +
                               (error == 0 ? "the connection broke" : std::strerror(error)) +
                               "; try again, or name another --socket\n"};
  }
}

Answer no_answer(const std::string& socket, httplib::Error error) {
  if (error == httplib::Error::Connection) return unreachable(socket);
  return {kExitFailed, socket + ": the appliance has not answered (" + httplib::to_string(error) +
                           "); its log says what it did\n"};
}

Answer read(const httplib::Response& response) {
  const std::string field = response.get_header_value(kExitStatusField);
  Answer answer{kExitFailed, response.body};
  const auto [end, error] = std::from_chars(field.data(), field.data() + field.size(), answer.status);
  if (field.empty() || error != std::errc{} || end != field.data() + field.size())
    answer = {kExitFailed, "what answers at this socket is not a bulkhead; name another --socket\n"};
  return answer;
}

httplib::Result send(httplib::ClientImpl& client, const std::string& path, const ConfigText& config,
                     const httplib::Headers& headers) {
  return client.Post(httplib::append_query_params(path, {{kFileParameter, config.file}}), headers,
                     config.text, "application/toml");
}

}  // namespace

Answer ask_control(const std::string& socket, const ControlQuestion& question) {
  try {
    httplib::ClientImpl client(socket);
    client.set_address_family(AF_UNIX);
    client.set_read_timeout(kPatienceForAnswer);
    client.set_write_timeout(kPatienceToSend);
    const httplib::Headers headers = {{"Host", "bulkhead"}};
    const auto result = question.config == nullptr ? client.Get(question.path, headers)
                                                   : send(client, question.path, *question.config, headers);
    return result ? read(*result) : no_answer(socket, result.error());
  } catch (const std::exception& e) {
    return {kExitFailed, socket + ": cannot be asked: " + e.what() + "\n"};
  }
}

}  // namespace bulkhead
