// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "control/stats_routes.hpp"
#include "control/token_file.hpp"  // where Options::token comes from
#include "nic/error.hpp"

namespace bulkhead {

/// The statistics endpoint over HTTP/1.1: what stats_routes.hpp answers, on a TCP port or a unix socket.
///
/// It reads snapshots only, and no client can make it hold more than a fixed amount: 256 connections with 8
/// KiB of unread request each and 64 MiB of untaken answers in all, 12 worker threads, of which event streams
/// take at most 4. A worker is given complete requests only and hands back what a client does not take of the
/// answer (see HttpGate), so slow senders and readers occupy none. A reader has 5 s, and a second more for
/// each MiB of the answer.
///
/// start(), stop() and the destructor: one thread. The endpoint's threads take no signals, and run on the
/// cores that start()'s caller runs on.
class StatsServer {
 public:
  struct Options {
    std::string listen = "127.0.0.1:9180";  // see ListenAddress
    std::optional<std::string> token;       // required where `listen` can be reached from other machines
    std::chrono::milliseconds event_interval{1000};
  };

  /// Binds, and answers from then on. The Error names the address, the cause and the remedy.
  [[nodiscard]] static Result<std::unique_ptr<StatsServer>> start(const Options& options,
                                                                  LatestSnapshot latest);

  StatsServer(const StatsServer&) = delete;
  StatsServer& operator=(const StatsServer&) = delete;
  ~StatsServer();

  /// The TCP port, also where the system chose it (port 0); 0 for a unix socket.
  [[nodiscard]] uint16_t port() const;

  /// Ends event streams and answers under way, and removes the unix socket's file. At once: no client can
  /// delay it.
  void stop();

 private:
  class Implementation;
  explicit StatsServer(std::unique_ptr<Implementation> implementation);

  std::unique_ptr<Implementation> implementation_;  // keeps the HTTP library out of this header
};

}  // namespace bulkhead
