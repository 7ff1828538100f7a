// SPDX-License-Identifier: Apache-2.0
#include "control/control_server.hpp"

#include <sys/stat.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>
#include <vector>

#include "control/control_client.hpp"
#include "control/control_protocol.hpp"
#include "tests/control/raw_client.hpp"
#include "tests/control/sample_snapshot.hpp"
#include "tests/control/temporary_directory.hpp"

using namespace bulkhead;

namespace {

/// Nothing here may depend on how fast a machine is: what ought to come at once would come never.
constexpr std::chrono::hours kForEver{1};

/// Says what it was asked.
Answer echo(ControlRequest request) {
  const std::string text = request.text.size() > 100 ? std::to_string(request.text.size()) : request.text;
  switch (request.kind) {
    case ControlRequest::Kind::plan:
      return {kExitChanges, "plan " + request.file + ": " + text};
    case ControlRequest::Kind::apply:
      return {kExitRefused, "apply " + request.file + ": " + text};
    case ControlRequest::Kind::config:
      return {kExitOk, "config"};
  }
  return {};
}

/// A server whose one thread is busy with nothing else.
class Office {
 public:
  explicit Office(const std::string& socket, ControlServer::Handle handle = echo)
      : server_(ControlServer::start(options(socket, *this)).value()), handle_(std::move(handle)) {
    thread_ = std::thread([this] {
      for (int seen = 0; wait_after(seen), !ended_; ++seen) server_->do_next(handle_);
    });
  }
  ~Office() {
    ended_ = true;
    call();
    thread_.join();
    server_->stop();
  }

 private:
  static ControlServer::Options options(const std::string& socket, Office& office) {
    return {.socket = socket,
            .call = [&office] { office.call(); },
            .latest = [] { return std::make_shared<const Snapshot>(sample_snapshot()); }};
  }
  void call() {
    ++calls_;
    calls_.notify_all();
  }
  void wait_after(int seen) {
    for (int now = calls_; now <= seen; now = calls_) calls_.wait(now);
  }

  std::atomic<int> calls_ = 0;
  std::atomic<bool> ended_ = false;
  std::unique_ptr<ControlServer> server_;
  ControlServer::Handle handle_;
  std::thread thread_;
};

Result<std::unique_ptr<ControlServer>> start(const std::string& socket) {
  return ControlServer::start({.socket = socket,
                               .call = [] {},
                               .latest = [] { return std::make_shared<const Snapshot>(sample_snapshot()); }});
}

std::string plan_question(const std::string& length, const std::string& body) {
  return "POST /v1/plan?file=f HTTP/1.1\r\nHost: x\r\nContent-Length: " + length + "\r\n\r\n" + body;
}

}  // namespace

TEST_CASE("each question comes to whom it is for, and its answer back") {
  const TemporaryDirectory directory;
  const std::string socket = directory.file("control.sock");
  const Office office(socket);
  const std::string text = "[[port]]\n\xff\r\n";
  const std::string file = "my lab&co+?#%41=\u00fc\n.toml";
  const ConfigText config{.file = file, .text = text};
  const Answer plan = ask_control(socket, {.path = kPlanPath, .config = &config});
  CHECK(plan.status == kExitChanges);
  CHECK(plan.text == "plan " + file + ": " + text);
  const Answer apply = ask_control(socket, {.path = kApplyPath, .config = &config});
  CHECK(apply.status == kExitRefused);
  CHECK(apply.text == "apply " + file + ": " + text);
  CHECK(ask_control(socket, {.path = kConfigPath}).text == "config");
  CHECK_THAT(ask_control(socket, {.path = kStatusPath}).text,
             Catch::StartsWith("bulkhead ") && Catch::Contains("lab-a"));
  const Answer json = ask_control(socket, {.path = kStatusJsonPath});
  CHECK(nlohmann::json::parse(json.text)["slices"][0]["name"] == "lab-a");
  const Answer unknown = ask_control(socket, {.path = "/v2/plan"});
  CHECK(unknown.status == kExitFailed);
  CHECK_THAT(unknown.text, Catch::Contains("there is nothing at this path"));
}

TEST_CASE("only this user may open the socket, whatever the umask, and it goes with the server") {
  const TemporaryDirectory directory;
  const std::string socket = directory.file("run/control.sock");
  const mode_t before = ::umask(0);
  const auto server = start(socket);
  ::umask(before);
  REQUIRE(server);
  struct stat status{};
  REQUIRE(::stat(socket.c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0600);
  (*server)->stop();
  CHECK_FALSE(std::filesystem::exists(socket));
  CHECK(std::filesystem::exists(directory.file("run")));
}

TEST_CASE("a dead process's socket is replaced, a living one's refused, and so is what cannot be one") {
  const TemporaryDirectory directory;
  const std::string socket = directory.file("control.sock");
  {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, socket.c_str(), sizeof(address.sun_path) - 1);
    const UniqueFd dead(::socket(AF_UNIX, SOCK_STREAM, 0));
    REQUIRE(::bind(dead.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0);
  }
  const std::string begin = "control socket: cannot ";
  CHECK(ask_control(socket, {.path = kConfigPath}).status == kExitNotRunning);
  const auto server = start(socket);
  REQUIRE(server);
  CHECK(start(socket).error().message() ==
        begin + "listen on unix:" + socket +
            ": address already in use; stop the other process or choose another --socket");
  CHECK(RawClient::unix_socket(socket).connected());
  std::ofstream(directory.file("mine")) << "mine";
  CHECK_THAT(start(directory.file("mine")).error().message(), Catch::Contains("is not a socket; remove it"));
  CHECK(start(directory.file("a/b/c.sock")).error().message() ==
        begin + "make the directory " + directory.file("a/b") +
            ": No such file or directory; make it for this user, or choose another --socket");
  CHECK_THAT(start("/" + std::string(200, 'x')).error().message(),
             Catch::Contains("longer than a socket's path"));
}

TEST_CASE("a socket's path may begin where the process stands") {
  const TemporaryDirectory directory;
  const std::filesystem::path before = std::filesystem::current_path();
  std::filesystem::current_path(directory.file(""));
  const auto server = start("control.sock");
  const Answer answer = ask_control("control.sock", {.path = kStatusPath});
  std::filesystem::current_path(before);
  REQUIRE(server);
  CHECK(answer.good());
  CHECK(std::filesystem::exists(directory.file("control.sock")));
}

TEST_CASE("nobody there is said, and what to do") {
  const TemporaryDirectory directory;
  const std::string socket = directory.file("control.sock");
  const Answer answer = ask_control(socket, {.path = kStatusPath});
  CHECK(answer.status == kExitNotRunning);
  CHECK(answer.text == "no appliance is running at " + socket +
                           "; start one with `bulkhead run FILE`, or name its socket with --socket\n");
  CHECK_THAT(ask_control("/" + std::string(200, 'x'), {.path = kStatusPath}).text,
             Catch::Contains("name too long"));
}

TEST_CASE("a large configuration passes, a larger one is refused without being read") {
  const TemporaryDirectory directory;
  const std::string socket = directory.file("control.sock");
  const Office office(socket);
  const ConfigText largest{.file = "f", .text = std::string(kLargestControlText, '#')};
  CHECK(ask_control(socket, {.path = kPlanPath, .config = &largest}).text ==
        "plan f: " + std::to_string(kLargestControlText));
  RawClient client = RawClient::unix_socket(socket);
  client.send(plan_question(std::to_string(kLargestControlText + 1), ""));
  client.finish();
  const std::string answer = client.read_to_end();
  CHECK_THAT(answer, Catch::StartsWith("HTTP/1.1 413") && Catch::Contains("too large to be sent"));
}

TEST_CASE("a head without end is cut off, and a request cut short is no request") {
  const TemporaryDirectory directory;
  const std::string socket = directory.file("control.sock");
  std::atomic<int> handled = 0;
  const Office office(socket, [&](ControlRequest request) {
    ++handled;
    return echo(std::move(request));
  });
  {
    RawClient client = RawClient::unix_socket(socket);
    client.send("GET /v1/config HTTP/1.1\r\nHost: ");
    const std::string part(1 << 20, 'x');
    int sent = 0;
    while (sent < 100 && client.send(part)) ++sent;
    CHECK(sent < 100);
  }
  {
    RawClient client = RawClient::unix_socket(socket);
    client.send(plan_question("100", "[[port]]"));
    client.finish();
    CHECK_THAT(client.read_to_end(), !Catch::StartsWith("HTTP/1.1 200"));
  }
  CHECK(handled == 0);
  CHECK(ask_control(socket, {.path = kConfigPath}).text == "config");
}

TEST_CASE("clients at once are served one after the other, each with its own answer") {
  const TemporaryDirectory directory;
  const std::string socket = directory.file("control.sock");
  std::atomic<int> inside = 0;
  bool overlapped = false;
  const Office office(socket, [&](ControlRequest request) {
    overlapped = overlapped || inside++ != 0;
    std::this_thread::yield();
    --inside;
    return echo(std::move(request));
  });
  std::atomic<int> right = 0;
  std::vector<std::thread> clients;
  for (int i = 0; i < 8; ++i)
    clients.emplace_back([&, i] {
      for (int j = 0; j < 20; ++j) {
        const ConfigText config{.file = "f", .text = std::to_string(i) + "." + std::to_string(j)};
        if (ask_control(socket, {.path = kPlanPath, .config = &config}).text == "plan f: " + config.text)
          ++right;
      }
    });
  for (std::thread& client : clients) client.join();
  CHECK(right == 160);
  CHECK_FALSE(overlapped);
}

TEST_CASE("the end waits for nobody: who has not asked is hung up on, who waits is told") {
  const TemporaryDirectory directory;
  const std::string socket = directory.file("control.sock");
  std::atomic<bool> called = false;
  auto server = ControlServer::start({.socket = socket,
                                      .call =
                                          [&] {
                                            called = true;
                                            called.notify_all();
                                          },
                                      .latest = [] { return std::make_shared<const Snapshot>(); },
                                      .patience = kForEver});
  REQUIRE(server);
  // Three of the four threads wait for these, as the answer that the fourth gives shows.
  std::vector<RawClient> silent;
  for (int i = 0; i < 3; ++i) silent.push_back(RawClient::unix_socket(socket));
  silent.front().send("GET /v1/con");
  REQUIRE(ask_control(socket, {.path = kStatusPath}).good());
  SECTION("nobody waits") { (*server)->stop(); }
  SECTION("one waits") {
    Answer answer;
    std::thread client([&] { answer = ask_control(socket, {.path = kConfigPath}); });
    called.wait(false);
    silent.push_back(RawClient::unix_socket(socket));  // behind them all
    (*server)->stop();
    client.join();
    CHECK(answer.status == kExitFailed);
    CHECK(answer.text == "the appliance is stopping; nothing was changed\n");
  }
  CHECK_FALSE(std::filesystem::exists(socket));
}

TEST_CASE("a client that does not ask is given up") {
  const TemporaryDirectory directory;
  const std::string socket = directory.file("control.sock");
  const auto server = ControlServer::start({.socket = socket,
                                            .call = [] {},
                                            .latest = [] { return std::make_shared<const Snapshot>(); },
                                            .patience = std::chrono::milliseconds{1}});
  RawClient client = RawClient::unix_socket(socket);
  client.send("GET /v1/con");
  CHECK_THAT(client.read_to_end(), !Catch::StartsWith("HTTP/1.1 200"));  // and it ends
}
