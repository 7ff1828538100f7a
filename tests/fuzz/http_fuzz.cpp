// SPDX-License-Identifier: Apache-2.0
// Any bytes, sent to a running endpoint over a unix socket and in two pieces: it survives, and what it
// answers with is HTTP. Run from tests/fuzz/corpus/http.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string_view>

#include "control/stats_server.hpp"
#include "tests/control/raw_client.hpp"
#include "tests/control/sample_snapshot.hpp"
#include "tests/control/temporary_directory.hpp"

namespace {

using namespace bulkhead;

/// One endpoint for all inputs, as in a process that runs for months.
class Endpoint {
 public:
  Endpoint() : path_(directory_.file("stats.sock")) {
    const StatsServer::Options options{
        .listen = "unix:" + path_, .token = {}, .event_interval = std::chrono::milliseconds{0}};
    auto server = StatsServer::start(
        options, [shared = std::make_shared<const Snapshot>(sample_snapshot())] { return shared; });
    if (!server) {
      std::fprintf(stderr, "%s\n", server.error().message().c_str());
      std::abort();
    }
    server_ = std::move(*server);
  }

  [[nodiscard]] RawClient connect() const { return RawClient::unix_socket(path_); }

 private:
  TemporaryDirectory directory_;
  std::string path_;
  std::unique_ptr<StatsServer> server_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  static const Endpoint endpoint;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  RawClient client = endpoint.connect();
  if (!client.connected()) std::abort();
  client.send(bytes.substr(0, size / 2));
  client.send(bytes.substr(size / 2));
  client.finish();
  const std::string answer = client.read_some(100'000);  // an event stream would never end
  if (!answer.empty() && !answer.starts_with("HTTP/1.1 ")) std::abort();
  return 0;
}
