// SPDX-License-Identifier: Apache-2.0
#include "control/http_gate.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <system_error>
#include <utility>

#include "control/http_head.hpp"

namespace bulkhead {
namespace {

constexpr std::chrono::milliseconds kDescriptorPause{100};

/// How much is read and thrown away after the last answer.
constexpr std::size_t kFarewellBytes = std::size_t{1} << 20;

/// Drops the items for which `done` says so; visits each once, in order. `done` may change them, which
/// std::erase_if does not allow.
template <class Item, class Done>
void sweep(std::vector<Item>& items, Done done) {
  std::size_t kept = 0;
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (done(items[i])) continue;
    if (kept != i) items[kept] = std::move(items[i]);
    ++kept;
  }
  items.erase(items.begin() + static_cast<std::ptrdiff_t>(kept), items.end());
}

/// Threads started while one exists take no signals: those are the main thread's.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;
  ~SignalsBlocked() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_{};
};

}  // namespace

HttpGate::HttpGate(int listening, const Limits& limits, Serve serve, IsUrgent is_urgent)
    : listening_(listening),
      limits_(limits),
      serve_(std::move(serve)),
      is_urgent_(std::move(is_urgent)),
      wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

Result<std::unique_ptr<HttpGate>> HttpGate::start(int listening, const Limits& limits, Serve serve,
                                                  IsUrgent is_urgent) {
  try {
    std::unique_ptr<HttpGate> gate(new HttpGate(listening, limits, std::move(serve), std::move(is_urgent)));
    if (!gate->wake_) throw std::system_error(errno, std::system_category());
    gate->start_threads();  // where this throws, the destructor ends those that run already
    return gate;
  } catch (const std::exception& e) {
    return fail(std::string("stats: cannot start the endpoint's threads: ") + e.what() +
                "; raise the process's limits on threads, files or memory");
  }
}

void HttpGate::start_threads() {
  const SignalsBlocked blocked;
  threads_.reserve(limits_.workers + 2);
  threads_.emplace_back([this] { run_gate(); });
  for (std::size_t i = 0; i < limits_.workers; ++i) threads_.emplace_back([this] { run_worker(jobs_); });
  if (is_urgent_) threads_.emplace_back([this] { run_worker(urgent_jobs_); });
}

void HttpGate::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    for (const int fd : busy_) ::shutdown(fd, SHUT_RDWR);  // wakes a worker from its wait to write
  }
  work_.notify_all();
  wake_gate();
  for (auto& thread : threads_) thread.join();
  threads_.clear();
  jobs_.clear();
  urgent_jobs_.clear();
  returned_.clear();
  waiting_.clear();
}

void HttpGate::wake_gate() {
  const uint64_t one = 1;
  // It can fail only where the gate has a wake-up pending already.
  [[maybe_unused]] const ssize_t written = ::write(wake_.get(), &one, sizeof(one));
}

void HttpGate::run_gate() {
  while (take_back()) {
    const auto now = Clock::now();
    sweep(waiting_, [&](Connection& connection) { return connection.deadline <= now && expire(connection); });
    wait_for_events();
  }
}

/// Takes back what the workers have finished with. False when it is time to stop.
bool HttpGate::take_back() {
  std::vector<Connection> returned;
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return false;
    returned.swap(returned_);
  }
  for (auto& connection : returned) {
    connection.deadline = Clock::now() + limits_.patience +
                          std::chrono::seconds(connection.unsent.size() / kBytesPerSecondOfPatience);
    if (!connection.unsent.empty() || !answered(connection)) waiting_.push_back(std::move(connection));
  }
  limit_unsent();
  return true;
}

/// What follows an answer. True when the connection is no longer the gate's.
bool HttpGate::answered(Connection& connection) {
  if (!connection.keep || ++connection.served >= limits_.requests_per_connection) wave_goodbye(connection);
  // A pipelined request may be there already, and no event will announce it.
  return !connection.farewell && examine(connection);
}

/// Closes those that have had longest to take their answers, until the others' fit, or one is left.
void HttpGate::limit_unsent() {
  std::size_t sum = 0;
  std::size_t answers = 0;
  for (const auto& connection : waiting_) {
    sum += connection.unsent.size();
    answers += connection.unsent.empty() ? 0 : 1;
  }
  if (sum <= limits_.unsent_bytes) return;
  std::ranges::sort(waiting_, {}, &Connection::deadline);
  sweep(waiting_, [&](Connection& connection) {
    if (sum <= limits_.unsent_bytes || answers < 2 || connection.unsent.empty()) return false;
    sum -= connection.unsent.size();
    --answers;
    --open_;
    return true;
  });
}

bool HttpGate::accepting() const {
  if (Clock::now() < accept_after_) return false;
  return open_ < limits_.connections || !waiting_.empty();
}

void HttpGate::wait_for_events() {
  std::vector<pollfd> polled;
  polled.reserve(waiting_.size() + 2);
  polled.push_back({.fd = wake_.get(), .events = POLLIN, .revents = 0});
  polled.push_back({.fd = accepting() ? listening_ : -1, .events = POLLIN, .revents = 0});
  auto wake_at = Clock::now() + limits_.patience;
  if (accept_after_ > Clock::now()) wake_at = std::min(wake_at, accept_after_);
  for (const auto& connection : waiting_) {
    const short events = connection.unsent.empty() ? POLLIN : POLLOUT;
    polled.push_back({.fd = connection.fd.get(), .events = events, .revents = 0});
    wake_at = std::min(wake_at, connection.deadline);
  }
  const auto wait = std::chrono::ceil<std::chrono::milliseconds>(wake_at - Clock::now()).count();
  if (::poll(polled.data(), polled.size(), static_cast<int>(std::max<int64_t>(wait, 0))) <= 0) return;

  if (polled[0].revents != 0) {
    uint64_t count = 0;
    [[maybe_unused]] const ssize_t drained = ::read(wake_.get(), &count, sizeof(count));
  }
  std::size_t i = 2;
  sweep(waiting_, [&](Connection& connection) { return polled[i++].revents != 0 && attend(connection); });
  if (polled[1].revents != 0) accept_connections();
}

/// Closes the connection that has waited longest. Requires: one waits.
void HttpGate::evict_one() {
  waiting_.erase(std::ranges::min_element(waiting_, {}, &Connection::deadline));
  --open_;
}

void HttpGate::accept_connections() {
  // As many as there is room for, so that a flood cannot keep the gate from its other work.
  for (std::size_t i = 0; i < limits_.connections; ++i) {
    const bool full = open_ >= limits_.connections;
    if (full && waiting_.empty()) return;
    UniqueFd fd(::accept4(listening_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!fd) {
      // accept(2): errors of the new connection itself (ECONNABORTED and others) come once each and pass.
      // Without descriptors or memory the listening socket would stay ready, and the gate would spin.
      if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
        accept_after_ = Clock::now() + kDescriptorPause;
      }
      return;
    }
    if (full) evict_one();  // only now that there is somebody to make room for
    Connection connection;
    connection.fd = std::move(fd);
    connection.deadline = Clock::now() + limits_.patience;
    waiting_.push_back(std::move(connection));
    ++open_;
  }
}

/// What a connection's event means. True when the connection is no longer the gate's.
bool HttpGate::attend(Connection& connection) {
  return connection.unsent.empty() ? receive(connection) : send_rest(connection);
}

/// Sends what the client takes. True when the connection is no longer the gate's.
bool HttpGate::send_rest(Connection& connection) {
  const std::string_view rest = std::string_view(connection.unsent).substr(connection.sent);
  const ssize_t size = ::send(connection.fd.get(), rest.data(), rest.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) return false;
  if (size < 0) {
    --open_;
    return true;
  }
  connection.sent += static_cast<std::size_t>(size);
  if (connection.sent < connection.unsent.size()) return false;
  connection.unsent = {};
  connection.sent = 0;
  connection.deadline = Clock::now() + limits_.patience;
  return answered(connection);
}

/// Reads what has come. True when the connection is no longer the gate's: closed, or handed to the workers.
bool HttpGate::receive(Connection& connection) {
  std::array<char, 4096> buffer;
  const ssize_t size = ::recv(connection.fd.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) return false;
  if (connection.farewell && size > 0) connection.discarded += static_cast<std::size_t>(size);
  if (size <= 0 || connection.discarded > kFarewellBytes) {
    --open_;
    return true;
  }
  if (connection.farewell) return false;
  connection.received.append(buffer.data(), static_cast<std::size_t>(size));
  return examine(connection);
}

/// Hands the connection over where its request is complete, or can no longer become a good one.
bool HttpGate::examine(Connection& connection) {
  const std::size_t end = find_http_head_end(connection.received);
  if (std::min(end, connection.received.size()) > limits_.head_bytes) {
    hand_over(connection, Arrival::head_too_large, connection.received.size());
  } else if (end != std::string::npos) {
    hand_over(connection, Arrival::head, end);
  } else {
    return false;
  }
  return true;
}

/// What a passed deadline means. True when the connection is no longer the gate's.
bool HttpGate::expire(Connection& connection) {
  if (connection.farewell || connection.received.empty() || !connection.unsent.empty()) {
    --open_;
  } else {
    hand_over(connection, Arrival::too_slow, connection.received.size());
  }
  return true;
}

void HttpGate::hand_over(Connection& connection, Arrival arrival, std::size_t head_size) {
  std::string head = connection.received.substr(0, head_size);
  connection.received.erase(0, head_size);
  const bool is_urgent = is_urgent_ && arrival == Arrival::head && is_urgent_(head);
  {
    const std::lock_guard lock(mutex_);
    std::deque<Job>& jobs = is_urgent ? urgent_jobs_ : jobs_;
    if (!is_urgent && jobs.size() >= limits_.connections - limits_.connections / 4) {
      --open_;
      connection.fd.reset();
      return;
    }
    busy_.insert(connection.fd.get());
    jobs.push_back({std::move(connection), arrival, std::move(head)});
  }
  work_.notify_all();  // two kinds of workers wait there
}

/// A socket closed with unread bytes in it is reset, and the reset may overtake the answer. So the sending
/// side is closed first, and the client has a moment to read and to close (RFC 9112, 9.6).
void HttpGate::wave_goodbye(Connection& connection) {
  ::shutdown(connection.fd.get(), SHUT_WR);
  connection.received = {};
  connection.farewell = true;
  connection.deadline = Clock::now() + limits_.farewell;
}

void HttpGate::run_worker(std::deque<Job>& jobs) {
  std::unique_lock lock(mutex_);
  while (true) {
    work_.wait(lock, [&] { return stopping_ || !jobs.empty(); });
    if (stopping_) return;
    Job job = std::move(jobs.front());
    jobs.pop_front();
    lock.unlock();
    try {
      Served served = serve_(job.connection.fd.get(), job.arrival, job.head);
      job.connection.keep = served.keep;
      job.connection.unsent = std::move(served.unsent);
    } catch (...) {
      job.connection.keep = false;  // one request's misfortune; the next may fare better
    }
    lock.lock();
    busy_.erase(job.connection.fd.get());
    returned_.push_back(std::move(job.connection));
    wake_gate();
  }
}

}  // namespace bulkhead
