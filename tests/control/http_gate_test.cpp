// SPDX-License-Identifier: Apache-2.0
#include "control/http_gate.hpp"

#include <poll.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <future>
#include <list>
#include <stdexcept>

#include "control/listen_address.hpp"
#include "tests/control/raw_client.hpp"

using namespace bulkhead;
using namespace std::chrono_literals;

namespace {

std::string reply(std::string_view body) {
  return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
}

std::string body_of(const std::string& answer) {
  const std::size_t end = answer.find("\r\n\r\n");
  return end == std::string::npos ? "no answer: " + answer : answer.substr(end + 4);
}

/// A gate whose workers answer each request with its own first line, or with what was wrong about it.
class EchoGate {
 public:
  explicit EchoGate(const HttpGate::Limits& limits = {}, HttpGate::Serve serve = {})
      : listener_(Listener::open(ListenAddress::parse("127.0.0.1:0").value()).value()) {
    if (!serve) {
      serve = [this](int fd, HttpGate::Arrival arrival, std::string_view head) {
        return echo(fd, arrival, head);
      };
    }
    gate_ = std::move(HttpGate::start(listener_.fd(), limits, std::move(serve)).value());
  }

  [[nodiscard]] RawClient connect() const { return RawClient::tcp(listener_.port()); }
  [[nodiscard]] int served() const { return served_; }
  void stop() { gate_->stop(); }

 private:
  HttpGate::Served echo(int fd, HttpGate::Arrival arrival, std::string_view head) {
    ++served_;
    if (head.starts_with("throw")) throw std::runtime_error("as asked");
    std::string text(head.substr(0, head.find('\r')));
    if (arrival == HttpGate::Arrival::head_too_large) text = "too large";
    if (arrival == HttpGate::Arrival::too_slow) text = "too slow";
    const std::string bytes = reply(text);
    if (head.starts_with("later")) return {.keep = true, .unsent = bytes};
    const bool sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL) > 0;
    return {.keep = sent && arrival == HttpGate::Arrival::head, .unsent = {}};
  }

  Listener listener_;
  std::atomic<int> served_ = 0;
  std::unique_ptr<HttpGate> gate_;
};

}  // namespace

TEST_CASE("A request is served when all of its head has come") {
  const EchoGate gate;
  RawClient client = gate.connect();
  for (const char c : std::string("hello\r\nA: b\r\n\r\n")) REQUIRE(client.send(std::string_view(&c, 1)));
  CHECK(body_of(client.read_answer()) == "hello");
  client.send("again\r\n\r\n");
  CHECK(body_of(client.read_answer()) == "again");
  CHECK(gate.served() == 2);
}

TEST_CASE("Pipelined requests are answered in their order") {
  const EchoGate gate;
  RawClient client = gate.connect();
  client.send("one\r\n\r\ntwo\r\n\r\nthree\r\n\r\nfo");
  CHECK(body_of(client.read_answer()) == "one");
  CHECK(body_of(client.read_answer()) == "two");
  CHECK(body_of(client.read_answer()) == "three");
  client.send("ur\r\n\r\n");
  CHECK(body_of(client.read_answer()) == "four");
}

TEST_CASE("Silent and unfinished connections occupy no worker") {
  const EchoGate gate({.workers = 1, .patience = 60s});
  std::list<RawClient> idlers;
  for (int i = 0; i < 50; ++i) {
    idlers.push_back(gate.connect());
    if (i % 2 == 0) idlers.back().send("unfinished\r\n");
  }
  RawClient client = gate.connect();
  client.send("hello\r\n\r\n");
  CHECK(body_of(client.read_answer()) == "hello");
  for (auto& idler : idlers) idler.send("late\r\n\r\n");
  for (auto& idler : idlers) {
    const std::string body = body_of(idler.read_answer());
    CHECK((body == "late" || body == "unfinished"));
  }
}

TEST_CASE("Patience ends: the silent are closed, the unfinished are told") {
  const EchoGate gate({.patience = 20ms});
  RawClient silent = gate.connect();
  RawClient unfinished = gate.connect();
  unfinished.send("unfinished\r\n");
  CHECK(silent.read_to_end().empty());
  CHECK(body_of(unfinished.read_to_end()) == "too slow");
  CHECK(gate.served() == 1);
}

TEST_CASE("A head without end is cut off") {
  const EchoGate gate({.head_bytes = 100});
  RawClient client = gate.connect();
  client.send(std::string(10'000, 'a'));
  CHECK(body_of(client.read_to_end()) == "too large");
  RawClient complete = gate.connect();
  complete.send(std::string(100, 'a') + "\r\n\r\n");
  CHECK(body_of(complete.read_to_end()) == "too large");
  RawClient just = gate.connect();
  just.send(std::string(96, 'a') + "\r\n\r\n");
  CHECK(body_of(just.read_answer()) == std::string(96, 'a'));
}

TEST_CASE("When all connections are taken, the one silent for longest makes room") {
  const EchoGate gate({.connections = 4, .patience = 60s});
  std::list<RawClient> idlers;
  for (int i = 0; i < 4; ++i) idlers.push_back(gate.connect());
  std::list<RawClient> clients;  // kept open, so that each needs somebody's place
  for (int i = 0; i < 20; ++i) {
    clients.push_back(gate.connect());
    clients.back().send("hello\r\n\r\n");
    REQUIRE(body_of(clients.back().read_answer()) == "hello");
  }
  for (auto& idler : idlers) CHECK(idler.read_to_end().empty());
}

TEST_CASE("A connection carries so many requests and no more") {
  const EchoGate gate({.requests_per_connection = 2});
  RawClient client = gate.connect();
  client.send("one\r\n\r\ntwo\r\n\r\nthree\r\n\r\n");
  CHECK(client.read_to_end() == reply("one") + reply("two"));
}

TEST_CASE("An exception ends its connection only") {
  const EchoGate gate({.workers = 1});
  for (int i = 0; i < 3; ++i) {
    RawClient client = gate.connect();
    client.send("throw\r\n\r\n");
    CHECK(client.read_to_end().empty());
  }
  RawClient client = gate.connect();
  client.send("hello\r\n\r\n");
  CHECK(body_of(client.read_answer()) == "hello");
}

TEST_CASE("What a client does not take of its answer occupies no worker") {
  const std::string large = reply(std::string(std::size_t{32} << 20, 'x'));
  EchoGate gate({.workers = 1, .patience = 60s}, [&](int, HttpGate::Arrival, std::string_view head) {
    return HttpGate::Served{.keep = true, .unsent = head.starts_with("large") ? large : reply("small")};
  });
  RawClient unreading = gate.connect();
  unreading.send("large\r\n\r\nnext\r\n\r\n");
  RawClient other = gate.connect();
  other.send("hello\r\n\r\n");
  CHECK(body_of(other.read_answer()) == "small");
  CHECK(unreading.read_answer() == large);
  CHECK(body_of(unreading.read_answer()) == "small");
}

TEST_CASE("Untaken answers are bounded: the one that waits longest is cut off") {
  const std::string large = reply(std::string(std::size_t{16} << 20, 'x'));
  EchoGate gate({.workers = 1, .patience = 60s, .unsent_bytes = std::size_t{40} << 20},
                [&](int, HttpGate::Arrival, std::string_view) {
                  return HttpGate::Served{.keep = true, .unsent = large};
                });
  std::list<RawClient> clients;
  for (int i = 0; i < 3; ++i) {
    clients.push_back(gate.connect());
    clients.back().send("large\r\n\r\n");
    REQUIRE(clients.back().read_until("HTTP/1.1 200 OK\r\n"));
  }
  CHECK(clients.front().read_to_end().size() < large.size() - 17);
  clients.pop_front();
  for (RawClient& client : clients) CHECK(client.read_answer().size() == large.size() - 17);
}

TEST_CASE("An answer that is larger than all may be is sent to whoever takes it alone") {
  const std::string large = reply(std::string(std::size_t{20} << 20, 'x'));
  EchoGate gate({.workers = 1, .patience = 60s, .unsent_bytes = std::size_t{4} << 20},
                [&](int, HttpGate::Arrival, std::string_view) {
                  return HttpGate::Served{.keep = true, .unsent = large};
                });
  RawClient client = gate.connect();
  client.send("large\r\n\r\n");
  CHECK(client.read_answer().size() == large.size());
}

TEST_CASE("Who asks something urgent waits for nobody, however many wait for the workers") {
  std::promise<void> end;
  const std::shared_future<void> ended = end.get_future().share();
  const Listener listener = Listener::open(ListenAddress::parse("127.0.0.1:0").value()).value();
  std::atomic<int> begun = 0;
  std::atomic<int> served = 0;
  const HttpGate::Serve serve = [&](int, HttpGate::Arrival, std::string_view head) {
    ++begun;
    begun.notify_all();
    if (!head.starts_with("urgent")) ended.wait();
    ++served;
    return HttpGate::Served{.keep = true, .unsent = reply("done")};
  };
  const auto gate = std::move(
      HttpGate::start(listener.fd(), {.workers = 1, .connections = 8, .patience = 60s}, serve, [](auto head) {
        return head.starts_with("urgent");
      }).value());
  std::list<RawClient> crowd;
  for (int i = 0; i < 12; ++i) {
    crowd.push_back(RawClient::tcp(listener.port()));
    crowd.back().send("hello\r\n\r\n");
    begun.wait(0);
  }
  RawClient client = RawClient::tcp(listener.port());
  client.send("urgent\r\n\r\n");
  CHECK(body_of(client.read_answer()) == "done");
  CHECK(served == 1);
  end.set_value();
  // Three quarters of eight waited, and one was being served.
  CHECK(std::ranges::count_if(crowd, [](RawClient& one) { return body_of(one.read_answer()) == "done"; }) ==
        7);
}

TEST_CASE("Stop ends what workers are waiting for, and can be asked twice") {
  std::promise<void> entered;
  EchoGate gate({.workers = 2}, [&](int fd, HttpGate::Arrival, std::string_view) {
    entered.set_value();
    pollfd polled{.fd = fd, .events = POLLIN, .revents = 0};
    return HttpGate::Served{.keep = ::poll(&polled, 1, 60'000) > 0, .unsent = {}};
  });
  RawClient client = gate.connect();
  RawClient unfinished = gate.connect();
  unfinished.send("unfinished");
  client.send("hello\r\n\r\n");
  entered.get_future().wait();
  gate.stop();
  gate.stop();
  CHECK(client.read_to_end().empty());
  CHECK(unfinished.read_to_end().empty());
}
