// SPDX-License-Identifier: Apache-2.0
#include "control/control_server.hpp"

#include <fcntl.h>
#include <httplib.h>
#include <sys/socket.h>

#include <atomic>
#include <filesystem>
#include <mutex>
#include <system_error>
#include <thread>
#include <unordered_set>
#include <utility>

#include "control/control_protocol.hpp"
#include "control/control_stream.hpp"
#include "control/errands.hpp"
#include "control/listen_address.hpp"
#include "control/rules_text.hpp"
#include "control/snapshot_json.hpp"
#include "control/status_table.hpp"

namespace bulkhead {
namespace {

constexpr std::size_t kThreads = 4;
constexpr std::size_t kLargestHead = std::size_t{64} << 10;
constexpr std::chrono::milliseconds kAcceptPause{100};

const ListenPurpose kPurpose{.who = "control socket", .setting = "--socket", .mode = 0600};

/// The library's server on a socket that is bound already, by Listener: it knows about dead processes' files
/// and about modes.
class HttpServer final : public httplib::Server {
 public:
  explicit HttpServer(std::chrono::milliseconds patience) : patience_(patience) {
    new_task_queue = [] { return new httplib::ThreadPool(kThreads); };
    set_payload_max_length(kLargestControlText);
  }

  /// Serves until the listening socket is shut down.
  void serve(int listening) {
    while (!stopping_) {
      svr_sock_ = ::fcntl(listening, F_DUPFD_CLOEXEC, 0);  // the library closes its own
      listen_after_bind();
      // It has given up, for want of descriptors or memory.
      if (!stopping_) std::this_thread::sleep_for(kAcceptPause);
    }
  }

  /// Connections that have not sent their request yet are done; answers on their way are not disturbed.
  void hang_up() {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    for (const int fd : connections_) ::shutdown(fd, SHUT_RD);
  }

 private:
  bool process_and_close_socket(socket_t fd) override {
    {
      const std::lock_guard lock(mutex_);
      connections_.insert(fd);
      if (stopping_) ::shutdown(fd, SHUT_RD);
    }
    ControlStream stream(fd, kLargestHead, patience_);
    bool closed = false;
    const bool good = process_request(stream, true, closed, nullptr);
    {
      const std::lock_guard lock(mutex_);
      connections_.erase(fd);
    }
    ::shutdown(fd, SHUT_RDWR);
    ::close(fd);
    return good;
  }

  const std::chrono::milliseconds patience_;
  std::mutex mutex_;
  std::unordered_set<int> connections_;  // the library's threads and who stops them, under mutex_
  std::atomic<bool> stopping_ = false;
};

void fill(httplib::Response& response, const Answer& answer, const char* type = "text/plain; charset=utf-8") {
  response.status = answer.good() ? 200 : answer.status == kExitRefused ? 422 : 500;
  response.set_header(kExitStatusField, std::to_string(answer.status));
  response.set_content(answer.text, type);
}

/// For what the library refuses itself.
void explain(const httplib::Request&, httplib::Response& response) {
  if (response.has_header(kExitStatusField)) return;
  std::string text = "there is nothing at this path; is `bulkhead` of the running process's version?\n";
  if (response.status == 413) text = "the configuration is too large to be sent; reload it with SIGHUP\n";
  if (response.status == 400) text = "this is not a request\n";
  response.set_header(kExitStatusField, std::to_string(kExitFailed));
  response.set_content(text, "text/plain; charset=utf-8");
}

/// The directory of the socket, for everybody to look into, where it is missing.
Result<void> make_directory(const ListenAddress& address) {
  const std::filesystem::path directory = std::filesystem::path(address.path()).parent_path();
  std::error_code error;
  std::filesystem::create_directory(directory, error);
  if (!error) return {};
  return fail("control socket: cannot make the directory " + directory.string() + ": " + error.message() +
              "; make it for this user, or choose another --socket");
}

Result<Listener> listen(const std::string& socket) {
  // As for those who will ask here: from where the process stands.
  std::error_code error;
  const std::filesystem::path path = std::filesystem::absolute(socket, error);
  const auto address = ListenAddress::parse("unix:" + (error ? socket : path.string()), kPurpose);
  if (!address) return std::unexpected(address.error());
  if (auto made = make_directory(*address); !made) return std::unexpected(made.error());
  auto listener = Listener::open(*address);
  // The library waits in accept().
  if (listener) ::fcntl(listener->fd(), F_SETFL, 0);
  return listener;
}

}  // namespace

class ControlServer::Implementation {
 public:
  Implementation(Options options, Listener listener)
      : latest_(std::move(options.latest)),
        errands_(std::move(options.call)),
        listener_(std::move(listener)),
        http_(options.patience) {
    add_errand("POST", kPlanPath, ControlRequest::Kind::plan);
    add_errand("POST", kApplyPath, ControlRequest::Kind::apply);
    add_errand("GET", kConfigPath, ControlRequest::Kind::config);
    http_.Get(kStatusPath, [this](const httplib::Request&, httplib::Response& response) {
      fill(response, {kExitOk, status_text(*latest_())});
    });
    http_.Get(kStatusJsonPath, [this](const httplib::Request&, httplib::Response& response) {
      fill(response, {kExitOk, snapshot_json(*latest_()) + "\n"}, "application/json");
    });
    http_.Get(kRulesPath, [this](const httplib::Request&, httplib::Response& response) {
      fill(response, {kExitOk, rules_text(*latest_())});
    });
    http_.Get(kRulesJsonPath, [this](const httplib::Request&, httplib::Response& response) {
      fill(response, {kExitOk, rules_json(*latest_()) + "\n"}, "application/json");
    });
    http_.set_error_handler(explain);
    accepting_ = std::thread([this] { http_.serve(listener_.fd()); });
  }

  ~Implementation() { stop(); }

  void do_next(const Handle& handle) {
    handle_ = &handle;
    errands_.do_next();
    handle_ = nullptr;
  }

  void stop() {
    if (!accepting_.joinable()) return;
    errands_.close();
    http_.hang_up();
    ::shutdown(listener_.fd(), SHUT_RDWR);  // wakes accept()
    accepting_.join();
    listener_.close();
  }

 private:
  void add_errand(const std::string& method, const char* path, ControlRequest::Kind kind) {
    const auto serve = [this, kind](const httplib::Request& request, httplib::Response& response) {
      Answer answer{kExitFailed, "the appliance is stopping; nothing was changed\n"};
      const bool done = errands_.have_done([&] {
        answer =
            (*handle_)({.kind = kind, .text = request.body, .file = request.get_param_value(kFileParameter)});
      });
      static_cast<void>(done);  // the answer says it
      fill(response, answer);
    };
    if (method == "GET")
      http_.Get(path, serve);
    else
      http_.Post(path, serve);
  }

  const std::function<std::shared_ptr<const Snapshot>()> latest_;
  Errands errands_;
  const Handle* handle_ = nullptr;  // of the thread in do_next; only errands use it, which are that thread's
  Listener listener_;
  HttpServer http_;
  std::thread accepting_;
};

Result<std::unique_ptr<ControlServer>> ControlServer::start(Options options) {
  auto listener = listen(options.socket);
  if (!listener) return std::unexpected(listener.error());
  const std::string socket = options.socket;
  try {
    return std::unique_ptr<ControlServer>(
        new ControlServer(std::make_unique<Implementation>(std::move(options), std::move(*listener))));
  } catch (const std::exception& e) {
    return fail("control socket: cannot serve " + socket + ": " + e.what() +
                "; raise the process's limits on threads or memory");
  }
}

ControlServer::ControlServer(std::unique_ptr<Implementation> implementation)
    : implementation_(std::move(implementation)) {}

ControlServer::~ControlServer() = default;

void ControlServer::do_next(const Handle& handle) { implementation_->do_next(handle); }

void ControlServer::stop() { implementation_->stop(); }

}  // namespace bulkhead
