// SPDX-License-Identifier: Apache-2.0
#include "control/stats_server.hpp"

#include <httplib.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <filesystem>
#include <future>
#include <list>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <thread>

#include "tests/control/metrics_checker.hpp"
#include "tests/control/raw_client.hpp"
#include "tests/control/sample_snapshot.hpp"
#include "tests/control/temporary_directory.hpp"

using namespace bulkhead;
using namespace std::chrono_literals;

namespace {

LatestSnapshot sample() {
  return [shared = std::make_shared<const Snapshot>(sample_snapshot())] { return shared; };
}

std::unique_ptr<StatsServer> start(StatsServer::Options options = {.listen = "127.0.0.1:0", .token = {}},
                                   LatestSnapshot latest = sample()) {
  return std::move(StatsServer::start(options, std::move(latest)).value());
}

std::string error_of(StatsServer::Options options) {
  const auto server = StatsServer::start(options, sample());
  return server ? "no error" : server.error().message();
}

int status_of(const std::string& answer) {
  return answer.starts_with("HTTP/1.1 ") ? std::stoi(answer.substr(9, 3)) : 0;
}

std::string get(const std::string& path) { return "GET " + path + " HTTP/1.1\r\nHost: test\r\n\r\n"; }

std::string ask_raw(const StatsServer& server, const std::string& bytes) {
  RawClient client = RawClient::tcp(server.port());
  client.send(bytes);
  client.finish();
  return client.read_to_end();
}

}  // namespace

TEST_CASE("Every path answers over TCP, and says how it is to be taken") {
  const auto server = start();
  httplib::Client client("127.0.0.1", server->port());
  for (const std::string path :
       {"/metrics", "/api/v1/slices", "/api/v1/slices/lab-a", "/api/v1/slices/lab%2Da", "/api/v1/ports",
        "/api/v1/rules", "/healthz", "/readyz", "/healthz?verbose"}) {
    INFO(path);
    const auto got = client.Get(path);
    REQUIRE(got);
    CHECK(got->status == 200);
    CHECK(got->get_header_value("X-Content-Type-Options") == "nosniff");
    CHECK(got->get_header_value("Cache-Control") == "no-store");
    CHECK(got->get_header_value_count("Content-Type") == 1);
    const auto head = client.Head(path);
    REQUIRE(head);
    CHECK(head->status == 200);
    CHECK(head->body.empty());
    CHECK(head->get_header_value("Content-Length") == std::to_string(got->body.size()));
  }
  CHECK(nlohmann::json::parse(client.Get("/api/v1/slices/lab%2Da")->body)["name"] == "lab-a");
}

TEST_CASE("Metrics come in both formats") {
  const auto server = start();
  httplib::Client client("127.0.0.1", server->port());
  const auto plain = client.Get("/metrics", {{"Accept", "*/*"}, {"Accept-Encoding", "gzip, br"}});
  REQUIRE(plain);
  CHECK(plain->get_header_value("Content-Type") == "text/plain; version=0.0.4; charset=utf-8");
  CHECK_FALSE(plain->has_header("Content-Encoding"));
  CHECK(scrape(plain->body).broken_rules == std::vector<std::string>{});
  const auto open =
      client.Get("/metrics", {{"Accept", "application/openmetrics-text;version=1.0.0,text/plain;q=0.5"}});
  REQUIRE(open);
  CHECK(open->get_header_value("Content-Type") ==
        "application/openmetrics-text; version=1.0.0; charset=utf-8");
  CHECK(scrape(open->body).ended_by_eof);
}

TEST_CASE("Errors have their status and a JSON body") {
  const auto server = start({.listen = "127.0.0.1:0", .token = {}}, [] {
    Snapshot snapshot = sample_snapshot();
    snapshot.ready = false;
    snapshot.not_ready_because = "port uplink has no link";
    return std::make_shared<const Snapshot>(snapshot);
  });
  struct Row {
    std::string request;
    int status;
  };
  const std::string host = " HTTP/1.1\r\nHost: a\r\n";
  const std::vector<Row> rows = {
      {get("/nowhere"), 404},
      {get("/"), 404},
      {get("/%00"), 404},
      {get("/api/v1/slices/%0d%0aX:%20y"), 404},
      {get("/readyz"), 503},
      {"POST /metrics" + host + "Content-Length: 3\r\n\r\nabc", 405},
      {"DELETE /healthz" + host + "\r\n", 405},
      {"BREW /healthz" + host + "\r\n", 405},
      {"OPTIONS /api/v1/slices" + host + "\r\n", 405},
      {"TRACE /api/v1/events" + host + "\r\n", 405},
      {"POST /metrics" + host + "Content-Length: 1000000\r\n\r\n", 413},
      {"GET /metrics" + host + "Transfer-Encoding: chunked\r\n\r\n5\r\n", 413},
      {"GET /" + std::string(9000, 'a') + host + "\r\n", 431},
      {"GET /healthz" + host + "A: " + std::string(9000, 'a') + "\r\n\r\n", 431},
      {"GET /healthz HTTP/3.0\r\nHost: a\r\n\r\n", 505},
      {"GET /healthz HTTP/1.1\r\n\r\n", 400},
      {"\r\n\r\nnonsense\r\n\r\n", 400},
      {std::string("\0\0\r\n\r\n", 6), 400},
      {"GET http:// HTTP/1.1\r\nHost: a\r\n\r\n", 404},
  };
  for (const auto& row : rows) {
    INFO(row.request.substr(0, 60));
    const std::string answer = ask_raw(*server, row.request);
    CHECK(status_of(answer) == row.status);
    CHECK(answer.find("Content-Type: application/json\r\n") != std::string::npos);
    CHECK(answer.find("X-Content-Type-Options: nosniff\r\n") != std::string::npos);
    CHECK(answer.find("\r\n\r\n{\"error\":\"") != std::string::npos);
    CHECK((answer.find("Allow: GET, HEAD\r\n") != std::string::npos) == (row.status == 405));
  }
}

TEST_CASE("With a token, only its bearer is answered") {
  const auto server = start({.listen = "127.0.0.1:0", .token = "s3%41cret"});
  httplib::Client client("127.0.0.1", server->port());
  CHECK(client.Get("/healthz")->status == 401);
  CHECK(client.Get("/healthz")->get_header_value("WWW-Authenticate") == "Bearer realm=\"bulkhead\"");
  CHECK(client.Get("/healthz", {{"Authorization", "Bearer s3Acret"}})->status == 401);
  CHECK(client.Get("/healthz", {{"Authorization", "Bearer s3%41cret"}})->status == 200);
  CHECK(client.Post("/nowhere", "x", "text/plain")->status == 401);
}

TEST_CASE("An address that others can reach wants a token") {
  CHECK(error_of({.listen = "0.0.0.0:0", .token = {}}) ==
        "stats: 0.0.0.0:0 can be reached from other machines and no token is asked for; set [stats] "
        "token_file, or "
        "listen on 127.0.0.1, [::1] or a unix socket");
  CHECK(error_of({.listen = "0.0.0.0:0", .token = "s3cret"}) == "no error");
  CHECK_THAT(error_of({.listen = "127.0.0.1:0", .token = ""}), Catch::Contains("the token is empty"));
}

TEST_CASE("What cannot be listened on is said at once") {
  const auto server = start();
  const std::string address = "127.0.0.1:" + std::to_string(server->port());
  CHECK(error_of({.listen = address, .token = {}}) ==
        "stats: cannot listen on " + address +
            ": address already in use; stop the other process or choose another [stats] listen");
  CHECK_THAT(error_of({.listen = "nonsense", .token = {}}), Catch::Contains("has no port"));
}

TEST_CASE("A unix socket serves like a port, and its file is gone after the stop") {
  const TemporaryDirectory directory;
  const std::string path = directory.file("stats.sock");
  const auto server = start({.listen = "unix:" + path, .token = {}});
  CHECK(server->port() == 0);
  RawClient client = RawClient::unix_socket(path);
  client.send(get("/healthz") + get("/readyz"));
  CHECK(status_of(client.read_answer()) == 200);
  CHECK(status_of(client.read_answer()) == 200);
  server->stop();
  CHECK_FALSE(std::filesystem::exists(path));
  CHECK_FALSE(RawClient::unix_socket(path).connected());
}

TEST_CASE("Connections are kept, closed and counted as their requests ask") {
  const auto server = start();
  RawClient kept = RawClient::tcp(server->port());
  kept.send(get("/healthz"));
  CHECK(kept.read_answer().find("Keep-Alive: timeout=5, max=100\r\n") != std::string::npos);
  kept.send("GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  const std::string last = kept.read_to_end();
  CHECK(last.find("Connection: close\r\n") != std::string::npos);
  CHECK(last.find("Keep-Alive") == std::string::npos);

  const std::string old = ask_raw(*server, "GET /healthz HTTP/1.0\r\n\r\n");
  CHECK(status_of(old) == 200);
  CHECK(old.ends_with("\r\n\r\nok\n"));

  // A body must not be taken for the next request.
  const std::string smuggled =
      "POST /healthz HTTP/1.1\r\nHost: a\r\nContent-Length: 40\r\n\r\n" + get("/metrics");
  CHECK(ask_raw(*server, smuggled).find("200 OK") == std::string::npos);
}

TEST_CASE("A hundred pipelined requests are all answered, in order") {
  const auto server = start();
  RawClient client = RawClient::tcp(server->port());
  std::string requests;
  for (int i = 0; i < 100; ++i) requests += get(i % 2 == 0 ? "/healthz" : "/nowhere");
  client.send(requests);
  for (int i = 0; i < 100; ++i) CHECK(status_of(client.read_answer()) == (i % 2 == 0 ? 200 : 404));
}

TEST_CASE("Ranges, of which a thousand would multiply the answer, are not heeded") {
  const auto server = start();
  std::string ranges = "bytes=0-";
  for (int i = 0; i < 1000; ++i) ranges += ",0-";
  const std::string answer = ask_raw(
      *server, "GET /metrics HTTP/1.1\r\nHost: a\r\nRange: " + ranges + "\r\nExpect: 100-continue\r\n\r\n");
  CHECK(status_of(answer) == 200);
  CHECK(answer.find("Accept-Ranges: none\r\n") != std::string::npos);
  CHECK(answer.find("multipart") == std::string::npos);
}

TEST_CASE("Slow and silent clients keep nobody else from an answer") {
  const auto server = start();
  std::list<RawClient> hostile;
  for (int i = 0; i < 400; ++i) {  // more than there are connections
    hostile.push_back(RawClient::tcp(server->port()));
    if (i % 2 == 0) hostile.back().send("GET /metrics HTTP/1.1\r\nHost: a\r\nX: ");
  }
  CHECK(status_of(ask_raw(*server, get("/healthz"))) == 200);
}

TEST_CASE("Clients that do not read keep nobody else from an answer, and still get theirs") {
  const TemporaryDirectory directory;  // a unix socket's buffers are small, and stay so
  const std::string path = directory.file("stats.sock");
  Snapshot large = sample_snapshot();
  for (int i = 0; i < 200; ++i) {
    large.slices.push_back(large.slices.front());
    large.slices.back().name += std::to_string(i);
  }
  const auto server = start({.listen = "unix:" + path, .token = {}},
                            [shared = std::make_shared<const Snapshot>(large)] { return shared; });
  std::list<RawClient> unreading;
  for (int i = 0; i < 30; ++i) {  // more than there are workers
    unreading.push_back(RawClient::unix_socket(path));
    unreading.back().send(get("/metrics"));
  }
  RawClient prober = RawClient::unix_socket(path);
  prober.send(get("/healthz"));
  CHECK(status_of(prober.read_answer()) == 200);
  // Nobody had to be given up for that. From now on all read.
  std::list<std::future<std::string>> answers;
  for (RawClient& client : unreading)
    answers.push_back(std::async(std::launch::async, [&client] { return client.read_answer(); }));
  for (std::future<std::string>& coming : answers) {
    const std::string answer = coming.get();
    CHECK(answer.size() > 500'000);
    CHECK(answer.ends_with("\n"));
    CHECK(answer.size() ==
          answer.find("\r\n\r\n") + 4 + std::stoul(answer.substr(answer.find("Length: ") + 8)));
  }
}

TEST_CASE("Clients that send without end are cut off") {
  const auto server = start();
  for (const std::string start_of_request :
       {"GET /", "GET / HTTP/1.1\r\nA: ", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nffffffff\r\n", "\r\n\r\n"}) {
    RawClient client = RawClient::tcp(server->port());
    const std::string megabyte(1 << 20, '\r');
    bool open = client.send(start_of_request);
    for (int i = 0; i < 10'000 && open; ++i) open = client.send(megabyte);
    INFO(start_of_request);
    CHECK_FALSE(open);
  }
  CHECK(status_of(ask_raw(*server, get("/healthz"))) == 200);
}

TEST_CASE("Events follow one another, and the stream ends with the server") {
  const auto server = start({.listen = "127.0.0.1:0", .token = {}, .event_interval = 5ms});
  RawClient client = RawClient::tcp(server->port());
  client.send(get("/api/v1/events"));
  REQUIRE(client.read_until("\r\n\r\n"));
  for (int i = 0; i < 3; ++i) CHECK(client.read_until("data: {\"taken_unix_seconds\":1700000000.5,"));
  server->stop();
  CHECK_FALSE(client.read_until("never"));
}

TEST_CASE("The head of an event stream says what it is") {
  const auto server = start();
  const auto head = httplib::Client("127.0.0.1", server->port()).Head("/api/v1/events");
  REQUIRE(head);
  CHECK(head->status == 200);
  CHECK(head->get_header_value("Content-Type") == "text/event-stream");
  RawClient client = RawClient::tcp(server->port());
  client.send(get("/api/v1/events"));
  CHECK(client.read_until("Connection: close\r\n"));
}

TEST_CASE("Stop does not wait for an event's turn, nor for a client that does not read") {
  const auto server = start({.listen = "127.0.0.1:0", .token = {}, .event_interval = 24h});
  RawClient client = RawClient::tcp(server->port());
  client.send(get("/api/v1/events"));
  REQUIRE(client.read_until("\n\n"));
  const auto flooded = start({.listen = "127.0.0.1:0", .token = {}, .event_interval = 0ms});
  RawClient unreading = RawClient::tcp(flooded->port());
  unreading.send(get("/api/v1/events"));
  REQUIRE(unreading.read_until("data: "));
  const auto before = std::chrono::steady_clock::now();
  server->stop();
  flooded->stop();
  // Not a measurement: without a wake-up it would be a day, and five seconds.
  CHECK(std::chrono::steady_clock::now() - before < 4s);
}

TEST_CASE("Event streams are bounded, and leave room for requests") {
  const auto server = start({.listen = "127.0.0.1:0", .token = {}, .event_interval = 1ms});
  std::list<RawClient> streams;
  for (int i = 0; i < 4; ++i) {
    streams.push_back(RawClient::tcp(server->port()));
    streams.back().send(get("/api/v1/events"));
    REQUIRE(streams.back().read_until("data: "));
  }
  const std::string refused = ask_raw(*server, get("/api/v1/events"));
  CHECK(status_of(refused) == 503);
  CHECK(refused.find("Retry-After: 10\r\n") != std::string::npos);
  CHECK(status_of(ask_raw(*server, get("/healthz"))) == 200);

  // A client that left is noticed at the next write to it; until then its place is taken.
  streams.clear();
  std::string answer;
  while (status_of(answer) != 200) {
    RawClient client = RawClient::tcp(server->port());
    client.send(get("/api/v1/events"));
    answer = client.read_answer();
    REQUIRE(status_of(answer) != 0);
  }
}

TEST_CASE("Scrapes at once from several clients are all whole") {
  const auto server = start();
  std::atomic<int> good = 0;
  std::vector<std::thread> clients;
  for (int i = 0; i < 8; ++i) {
    clients.emplace_back([&] {
      httplib::Client client("127.0.0.1", server->port());
      for (int n = 0; n < 20; ++n) {
        const auto metrics = client.Get("/metrics");
        if (metrics && metrics->status == 200 && scrape(metrics->body).broken_rules.empty()) ++good;
      }
    });
  }
  for (auto& client : clients) client.join();
  CHECK(good == 160);
}

TEST_CASE("An answer that cannot be made is a 500, and the next one is made") {
  std::atomic<bool> broken = true;
  const auto server = start({.listen = "127.0.0.1:0", .token = {}}, [&]() -> std::shared_ptr<const Snapshot> {
    if (broken) throw std::runtime_error("a secret of the inside");
    return std::make_shared<const Snapshot>(sample_snapshot());
  });
  const std::string answer = ask_raw(*server, get("/metrics"));
  CHECK(status_of(answer) == 500);
  CHECK(answer.find("secret") == std::string::npos);
  CHECK(ask_raw(*server, get("/api/v1/events")).find("data: ") == std::string::npos);
  broken = false;
  CHECK(status_of(ask_raw(*server, get("/metrics"))) == 200);
}
