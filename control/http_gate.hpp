// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_set>
#include <vector>

#include "control/unique_fd.hpp"
#include "nic/error.hpp"

namespace bulkhead {

/// Lets in the connections of an HTTP server, and hands a request to a worker thread only when its whole head
/// is there.
///
/// One thread waits, by poll, for all connections that have nothing complete to say. So a client that is idle
/// or sends a byte a second costs a descriptor and at most `head_bytes`, but no worker; only requests do, one
/// after the other in the order of their arrival; those that are urgent have a worker of their own, and are
/// taken in however many others wait for the rest. The same thread sends what a client does not take at once
/// of its answer, so that one that does not read costs no worker either. What a client can hold is bounded by
/// Limits: connections times head_bytes and `unsent_bytes`, or one answer that is larger, in all of memory,
/// and `patience` of time. When more than three quarters of the connections wait for workers, no further
/// request does: its connection is closed. When all
/// connections are taken, the one that has waited longest in silence makes room; when answers hold too much,
/// the one that is nearest to its deadline.
///
/// start(), stop() and the destructor: one thread. `serve` is called on the workers, several at once.
class HttpGate {
 public:
  struct Limits {
    std::size_t workers = 12;
    std::size_t connections = 256;
    std::size_t head_bytes = 8192;
    uint32_t requests_per_connection = 100;
    std::chrono::milliseconds patience{5000};  // from the connection or the last answer to the end of a head
    std::size_t unsent_bytes = std::size_t{64} << 20;  // of answers that clients do not take, together
    std::chrono::milliseconds farewell{1000};          // for the client to read the last answer and close
  };

  /// The answer's end: a client has `patience`, and a second more for each of these bytes, to take the rest.
  static constexpr std::size_t kBytesPerSecondOfPatience = std::size_t{1} << 20;

  enum class Arrival : uint8_t { head, head_too_large, too_slow };

  /// Answers one request on the connected socket `fd` (non-blocking; not to be closed). `head` is complete
  /// where `arrival` says so, else what has come of it. An exception ends the connection.
  struct Served {
    bool keep = false;   // the connection may carry another request
    std::string unsent;  // the end of the answer, where the client does not take it yet
  };
  using Serve = std::function<Served(int fd, Arrival arrival, std::string_view head)>;

  /// Whether a request with this head takes next to no time, and is not to wait for those that do.
  using IsUrgent = std::function<bool(std::string_view head)>;

  /// `listening` is a non-blocking listening socket; it stays the caller's and has to outlive the gate.
  /// Without `is_urgent`, no request is.
  [[nodiscard]] static Result<std::unique_ptr<HttpGate>> start(int listening, const Limits& limits,
                                                               Serve serve, IsUrgent is_urgent = {});

  HttpGate(const HttpGate&) = delete;
  HttpGate& operator=(const HttpGate&) = delete;
  ~HttpGate() { stop(); }

  /// Shuts every connection down, also under a worker that is writing to it, and waits for all threads.
  void stop();

 private:
  using Clock = std::chrono::steady_clock;

  struct Connection {
    UniqueFd fd;
    std::string received;
    Clock::time_point deadline;
    uint32_t served = 0;
    bool keep = true;    // worker: writes, gate thread: reads after it was handed back
    std::string unsent;  // likewise; of it `sent` bytes are out
    std::size_t sent = 0;
    bool farewell = false;  // the last answer is out; what still arrives is thrown away
    std::size_t discarded = 0;
  };

  struct Job {
    Connection connection;
    Arrival arrival;
    std::string head;
  };

  HttpGate(int listening, const Limits& limits, Serve serve, IsUrgent is_urgent);
  void start_threads();

  // Gate thread
  void run_gate();
  bool take_back();
  void wait_for_events();
  void accept_connections();
  [[nodiscard]] bool accepting() const;
  void evict_one();
  bool attend(Connection& connection);
  bool receive(Connection& connection);
  bool send_rest(Connection& connection);
  bool answered(Connection& connection);
  void limit_unsent();
  bool examine(Connection& connection);
  bool expire(Connection& connection);
  void hand_over(Connection& connection, Arrival arrival, std::size_t head_size);
  void wave_goodbye(Connection& connection);

  // Workers
  void run_worker(std::deque<Job>& jobs);
  void wake_gate();

  const int listening_;
  const Limits limits_;
  const Serve serve_;
  const IsUrgent is_urgent_;
  UniqueFd wake_;  // an eventfd; workers: write, gate thread: reads

  // Gate thread only
  std::vector<Connection> waiting_;
  std::size_t open_ = 0;            // connections waiting and with the workers
  Clock::time_point accept_after_;  // not before, where the system had no descriptor left

  std::mutex mutex_;  // guards what follows
  std::condition_variable work_;
  std::deque<Job> jobs_;
  std::deque<Job> urgent_jobs_;
  std::vector<Connection> returned_;
  std::unordered_set<int> busy_;  // descriptors of both and of what the workers have
  bool stopping_ = false;

  std::vector<std::thread> threads_;
};

}  // namespace bulkhead
