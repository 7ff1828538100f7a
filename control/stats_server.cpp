// SPDX-License-Identifier: Apache-2.0
// The one home of cpp-httplib. Of its server only the protocol is used: parsing one request, writing one
// answer. Its accepting and waiting are not, because in 0.11.4 they give each idle connection a thread, and a
// header line memory without bound.
#include "control/stats_server.hpp"

#include <httplib.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <string_view>
#include <utility>

#include "control/http_gate.hpp"
#include "control/http_head.hpp"
#include "control/listen_address.hpp"
#include "control/snapshot_json.hpp"

namespace bulkhead {
namespace {

constexpr int kMaxEventClients = 4;
constexpr std::chrono::seconds kWritePatience{5};

/// How far a client may be behind before more is made for it: an answer's head. So an answer's body never
/// waits in a worker, but the next event of a stream does, until the one before it is out.
constexpr std::size_t kMostBehind = 4096;

/// Carries a refusal of HttpHead or HttpGate to the handler. No client can send it: HttpHead lets no other
/// field than two through.
constexpr const char* kRefusedField = "Bulkhead-Refused";

/// One request as the library wants to see it: it reads a head that is there already, and writes to the
/// socket.
class Exchange final : public httplib::Stream {
 public:
  Exchange(std::string_view head, int fd) : head_(head), fd_(fd) {}

  [[nodiscard]] bool intact() const { return intact_; }

  [[nodiscard]] bool is_readable() const override { return !head_.empty(); }
  [[nodiscard]] bool is_writable() const override { return intact_; }

  ssize_t read(char* data, std::size_t size) override {
    const std::size_t count = std::min(size, head_.size());
    std::memcpy(data, head_.data(), count);
    head_.remove_prefix(count);
    return static_cast<ssize_t>(count);
  }

  /// Sends what the client takes and keeps the rest. Where that was too much already, waits for the client,
  /// or gives the connection up.
  ssize_t write(const char* data, std::size_t size) override {
    const auto deadline = Clock::now() + kWritePatience +
                          std::chrono::seconds(unsent_.size() / HttpGate::kBytesPerSecondOfPatience);
    while (intact_ && unsent_.size() > kMostBehind) {
      intact_ = wait_until_writable(deadline);
      send_unsent();
    }
    unsent_.append(data, size);
    send_unsent();
    return intact_ ? static_cast<ssize_t>(size) : -1;
  }

  /// What the client has not taken yet.
  [[nodiscard]] std::string take_unsent() { return std::exchange(unsent_, {}); }

  void get_remote_ip_and_port(std::string&, int& port) const override { port = 0; }
  void get_local_ip_and_port(std::string&, int& port) const override { port = 0; }
  /// The library only wants to know whether select() could take it, which nobody here calls.
  [[nodiscard]] socket_t socket() const override { return INVALID_SOCKET; }

 private:
  using Clock = std::chrono::steady_clock;

  void send_unsent() {
    std::size_t done = 0;
    while (done < unsent_.size() && intact_) {
      const ssize_t sent =
          ::send(fd_, unsent_.data() + done, unsent_.size() - done, MSG_NOSIGNAL | MSG_DONTWAIT);
      if (sent >= 0) {
        done += static_cast<std::size_t>(sent);
      } else if (errno == EAGAIN) {
        break;
      } else {
        intact_ = errno == EINTR;
      }
    }
    unsent_.erase(0, done);
  }

  [[nodiscard]] bool wait_until_writable(Clock::time_point deadline) const {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
    pollfd polled{.fd = fd_, .events = POLLOUT, .revents = 0};
    return left > 0 && ::poll(&polled, 1, static_cast<int>(left)) >= 0;
  }

  std::string_view head_;
  std::string unsent_;
  int fd_;
  bool intact_ = true;
};

/// The library's protocol engine, opened for single requests. Its constructor has the process ignore SIGPIPE.
class Protocol final : public httplib::Server {
 public:
  Protocol(std::size_t requests_per_connection, std::chrono::milliseconds patience) {
    svr_sock_ = 0;  // compared with INVALID_SOCKET only, which means that streams are to end
    keep_alive_max_count_ = requests_per_connection;
    keep_alive_timeout_sec_ = std::chrono::duration_cast<std::chrono::seconds>(patience).count();
  }

  void end_streams() { svr_sock_ = INVALID_SOCKET; }

  /// Answers the request; false where the answer could not be written.
  bool process(Exchange& exchange, bool last) {
    bool closed = false;
    return process_request(exchange, last, closed, nullptr) && exchange.intact();
  }
};

/// Whether it lives and is ready is told at once, however long others' answers take to write.
bool is_urgent(std::string_view head) {
  const std::size_t method = head.starts_with("GET ") ? 4 : head.starts_with("HEAD ") ? 5 : 0;
  const std::string_view path = head.substr(method);
  return method != 0 && (path.starts_with("/healthz ") || path.starts_with("/readyz "));
}

HttpHead head_of(HttpGate::Arrival arrival, std::string_view bytes) {
  HttpHead head;
  switch (arrival) {
    case HttpGate::Arrival::head:
      head = read_http_head(bytes);
      break;
    case HttpGate::Arrival::head_too_large:
      head.refused = 431;
      head.because = "the request's head is too large";
      break;
    case HttpGate::Arrival::too_slow:
      head.refused = 408;
      head.because = "the request took too long to arrive";
      break;
  }
  if (head.refused != 0) {
    head.text = "GET / HTTP/1.1\r\n" + std::string(kRefusedField) + ": " + std::to_string(head.refused) +
                " " + head.because + "\r\nConnection: close\r\n\r\n";
  }
  return head;
}

StatsReply refusal_reply(const std::string& field) {
  int status = 400;
  std::from_chars(field.data(), field.data() + field.size(), status);
  return error_reply(status, field.substr(std::min(field.find(' ') + 1, field.size())));
}

}  // namespace

class StatsServer::Implementation {
 public:
  Implementation(const Options& options, LatestSnapshot latest, Listener listener)
      : options_(options),
        latest_(std::move(latest)),
        listener_(std::move(listener)),
        protocol_(limits_.requests_per_connection, limits_.patience) {
    protocol_.set_pre_routing_handler([this](const httplib::Request& request, httplib::Response& response) {
      handle(request, response);
      return httplib::Server::HandlerResponse::Handled;
    });
    // What the library itself refuses (a target that it cannot parse) has no body yet.
    protocol_.set_error_handler([](const httplib::Request&, httplib::Response& response) {
      if (response.body.empty()) fill(response, error_reply(response.status, "this is not a request"));
    });
    // The library promises to keep any connection that the request did not ask to close.
    protocol_.set_post_routing_handler([](const httplib::Request&, httplib::Response& response) {
      if (response.has_header("Connection")) response.headers.erase("Keep-Alive");
    });
    protocol_.set_exception_handler(
        [](const httplib::Request&, httplib::Response& response, const std::exception_ptr&) {
          fill(response, error_reply(500, "the answer could not be made"));
        });
  }

  ~Implementation() { stop(); }

  Result<void> start() {
    auto gate = HttpGate::start(
        listener_.fd(), limits_,
        [this](int fd, HttpGate::Arrival arrival, std::string_view bytes) {
          const HttpHead head = head_of(arrival, bytes);
          Exchange exchange(head.text, fd);
          const bool good = protocol_.process(exchange, !head.keep_alive);
          return HttpGate::Served{.keep = good && head.keep_alive,
                                  .unsent = good ? exchange.take_unsent() : ""};
        },
        is_urgent);
    if (!gate) return std::unexpected(gate.error());
    gate_ = std::move(*gate);
    return {};
  }

  void stop() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    tick_.notify_all();
    protocol_.end_streams();
    gate_.reset();
    listener_.close();
  }

  [[nodiscard]] uint16_t port() const { return listener_.port(); }

 private:
  static void fill(httplib::Response& response, const StatsReply& reply) {
    response.status = reply.status;
    for (const auto& [name, value] : reply.headers) response.set_header(name, value);
    response.set_header("X-Content-Type-Options", "nosniff");
    response.set_header("Cache-Control", "no-store");
    response.set_header("Accept-Ranges", "none");
    if (!reply.events) response.set_content(reply.body, reply.content_type);
  }

  void handle(const httplib::Request& request, httplib::Response& response) {
    if (request.has_header(kRefusedField)) {
      fill(response, refusal_reply(request.get_header_value(kRefusedField)));
      return;
    }
    const StatsRequest asked{.reads = request.method == "GET" || request.method == "HEAD",
                             .path = request.path,
                             .accept = request.get_header_value("Accept"),
                             .authorization = request.get_header_value("Authorization")};
    StatsReply reply = answer(asked, latest_, options_.token);
    if (reply.events && request.method != "HEAD" && !stream_events(response)) {
      reply = error_reply(503, "all event streams are taken; ask again later, or poll /api/v1/slices");
      reply.headers.emplace_back("Retry-After", "10");
    }
    if (reply.events && request.method == "HEAD") response.set_header("Content-Type", reply.content_type);
    fill(response, reply);
  }

  /// Lets a stream of snapshots follow the head. False where too many clients have one already.
  bool stream_events(httplib::Response& response) {
    if (++event_clients_ > kMaxEventClients) {
      --event_clients_;
      return false;
    }
    // Not chunked: HTTP/1.0 clients do not know that. The stream ends with the connection.
    response.set_header("Connection", "close");
    response.set_content_provider(
        "text/event-stream",
        [this, next = Clock::now()](std::size_t, httplib::DataSink& sink) mutable {
          if (!wait_for_tick(next)) return false;
          next =
              std::max(next + options_.event_interval, Clock::now());  // a slow reader is not sent a backlog
          return send_event(sink);
        },
        [this](bool) { --event_clients_; });
    return true;
  }

  /// False when it is time to stop.
  bool wait_for_tick(std::chrono::steady_clock::time_point tick) {
    std::unique_lock lock(mutex_);
    return !tick_.wait_until(lock, tick, [this] { return stopping_; });
  }

  bool send_event(httplib::DataSink& sink) {
    const auto snapshot = latest_();
    // A comment keeps the connection known to be alive while there is nothing to tell (HTML, 9.2.7).
    const std::string event = snapshot ? "data: " + snapshot_json(*snapshot) + "\n\n" : ":\n\n";
    return sink.write(event.data(), event.size());
  }

  using Clock = std::chrono::steady_clock;

  const Options options_;
  const LatestSnapshot latest_;
  const HttpGate::Limits limits_;
  Listener listener_;
  Protocol protocol_;
  std::atomic<int> event_clients_ = 0;  // workers
  std::mutex mutex_;                    // guards stopping_
  std::condition_variable tick_;
  bool stopping_ = false;
  std::unique_ptr<HttpGate> gate_;  // last: its threads use all the others
};

Result<std::unique_ptr<StatsServer>> StatsServer::start(const Options& options, LatestSnapshot latest) {
  const auto address = ListenAddress::parse(options.listen);
  if (!address) return std::unexpected(address.error());
  if (options.token && options.token->empty())
    return fail("stats: the token is empty; write one into [stats] token_file");
  if (!address->local() && !options.token) {
    return fail(
        "stats: " + options.listen +
        " can be reached from other machines and no token is asked for; set [stats] token_file, or listen "
        "on 127.0.0.1, [::1] or a unix socket");
  }
  auto listener = Listener::open(*address);
  if (!listener) return std::unexpected(listener.error());
  try {
    auto implementation = std::make_unique<Implementation>(options, std::move(latest), std::move(*listener));
    if (const auto started = implementation->start(); !started) return std::unexpected(started.error());
    return std::unique_ptr<StatsServer>(new StatsServer(std::move(implementation)));
  } catch (const std::exception& e) {
    return fail("stats: cannot start the endpoint on " + options.listen + ": " + e.what() +
                "; free some memory and start again");
  }
}

StatsServer::StatsServer(std::unique_ptr<Implementation> implementation)
    : implementation_(std::move(implementation)) {}

StatsServer::~StatsServer() = default;

uint16_t StatsServer::port() const { return implementation_->port(); }

void StatsServer::stop() { implementation_->stop(); }

}  // namespace bulkhead
