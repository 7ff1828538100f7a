// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "control/answer.hpp"
#include "control/snapshot.hpp"
#include "nic/error.hpp"

namespace bulkhead {

/// Where the commands find the running process, unless the operator says otherwise.
inline constexpr const char* kControlSocket = "/run/bulkhead/control.sock";

/// The largest configuration that can be sent there. A hundred thousand entries take a tenth of it.
inline constexpr std::size_t kLargestControlText = std::size_t{64} << 20;

/// What only the thread that the appliance belongs to can do for a client.
struct ControlRequest {
  enum class Kind : uint8_t { plan, apply, config };
  Kind kind;
  std::string text;  // of the configuration; for `config` empty
  std::string file;  // how the operator calls it
};

/// Answers the operator's commands on a unix socket that only this process's user may open: HTTP, one request
/// a connection, `bulkhead` itself the client (see ask_control). The status is taken by the server's own
/// threads; all else waits for the thread that calls `do_next`, one after the other.
///
/// A client has `patience` to send its request, and as much for each part of the answer; four are served at
/// once. Clients are trusted not to come in masses, but may hang or die at any moment.
///
/// start(), do_next(), stop() and the destructor: one thread. The server's threads take no signals where that
/// one does not, and run on its cores.
class ControlServer {
 public:
  struct Options {
    std::string socket = kControlSocket;  // absolute; its directory is made where it is missing
    /// Makes the one thread call `do_next` soon. Called from any thread.
    std::function<void()> call;
    std::function<std::shared_ptr<const Snapshot>()> latest;  // called from any thread
    std::chrono::milliseconds patience{5000};
  };
  using Handle = std::function<Answer(ControlRequest)>;

  /// Binds, and accepts from then on. A dead process's socket file is replaced, a living one's is refused.
  [[nodiscard]] static Result<std::unique_ptr<ControlServer>> start(Options options);

  ControlServer(const ControlServer&) = delete;
  ControlServer& operator=(const ControlServer&) = delete;
  ~ControlServer();

  /// Has the next request, if one waits, answered by `handle`.
  void do_next(const Handle& handle);

  /// Tells those who wait that nothing more is done, and removes the socket's file. Answers that are ready
  /// are still sent.
  void stop();

 private:
  class Implementation;
  explicit ControlServer(std::unique_ptr<Implementation> implementation);

  std::unique_ptr<Implementation> implementation_;  // keeps the HTTP library out of this header
};

}  // namespace bulkhead
