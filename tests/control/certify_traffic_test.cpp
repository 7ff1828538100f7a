// SPDX-License-Identifier: Apache-2.0
#include "control/certify_traffic.hpp"

#include <array>
#include <atomic>
#include <catch2/catch.hpp>
#include <functional>
#include <optional>
#include <thread>

#include "nic/port.hpp"
#include "nic/worker_thread.hpp"
#include "tests/support/eal.hpp"

namespace bulkhead {
namespace {

using test::make_pool;

constexpr CertifyTime kShort{.warm_up = std::chrono::milliseconds{10},
                             .window = std::chrono::milliseconds{100}};

/// What stands between the two ports: moves packets from the first to the second, as `step` says.
class Between {
 public:
  /// `step(packet, transmit)`: transmits the packet, or frees it, or keeps it for later.
  using Transmit = std::function<void(Packet)>;
  Between(std::array<std::string, 2> devices, PacketPool& pool,
          std::function<void(Packet, const Transmit&)> step)
      : in_(open(devices[0], pool)), out_(open(devices[1], pool)), step_(std::move(step)) {
    thread_ = std::thread([this] { run(); });
  }
  Between(const Between&) = delete;
  Between& operator=(const Between&) = delete;
  ~Between() {
    stop_ = true;
    thread_.join();
  }

 private:
  static Port open(const std::string& device, PacketPool& pool) {
    auto port = Port::open({.name = device, .device = device}, pool);
    if (!port) FAIL(port.error().message());
    return std::move(*port);
  }
  void run() {
    const auto thread = WorkerThread::enter({});
    const Transmit transmit = [this](Packet packet) {
      while (out_.transmit(QueueId{0}, {&packet, 1}) == 0) std::this_thread::yield();
    };
    while (!stop_) {
      Burst burst;
      in_.receive(QueueId{0}, burst, Burst::kCapacity, Cycles{1});
      for (const Packet packet : burst.span()) step_(packet, transmit);
      if (burst.empty()) std::this_thread::yield();
      burst.release();
    }
  }

  Port in_;
  Port out_;
  std::function<void(Packet, const Transmit&)> step_;
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

/// Two ports, named by one letter, and streams from the first to the second.
struct Bench {
  explicit Bench(const std::string& letter) : pool(make_pool(4095, 2048)) {
    std::vector<RingPort> ports;
    for (const char* end : {"in", "out"}) {
      auto port = RingPort::create(letter + end, 1023);
      if (!port) FAIL(port.error().message());
      devices[ports.size()] = RingPort::device_of(letter + end);
      ports.push_back(std::move(*port));
    }
    traffic.emplace(std::move(ports), make_pool_named(letter));
  }
  static PacketPool make_pool_named(const std::string& letter) {
    auto made = PacketPool::create("traffic-" + letter, 2047, 2048);
    if (!made) FAIL(made.error().message());
    return std::move(*made);
  }
  static TestStream stream(BitsPerSecond class_ceiling = BitsPerSecond{0}) {
    return {.ingress = PortId{0},
            .egress = PortId{1},
            .frame = std::vector<uint8_t>(476),
            .wire = 500_B,
            .class_ceiling = class_ceiling,
            .greeting = {}};
  }

  PacketPool pool;
  std::array<std::string, 2> devices;
  std::optional<TestTraffic> traffic;
};

}  // namespace

TEST_CASE("what arrives is what was sent") {
  Bench bench("a");
  const Between wire(bench.devices, bench.pool,
                     [](Packet packet, const Between::Transmit& transmit) { transmit(packet); });
  const TestStream stream = Bench::stream();
  const std::array flows{TestTraffic::Flow{&stream, 4_Mbps, 0}, TestTraffic::Flow{&stream, 2_Mbps, 1}};
  const auto results = bench.traffic->run(flows, 2, kShort, {});
  REQUIRE(results.size() == 2);
  for (const Measured& result : results) {
    CHECK(result.sent > 0);
    CHECK(result.lost == 0);
    CHECK(result.reordered == 0);
    CHECK(result.received_bytes == Bytes{500} * result.sent);
    CHECK(result.most_delay >= result.p99_delay);
    CHECK(result.mean_delay >= result.least_delay);
  }
  CHECK(results[0].planned == 110);
  CHECK(results[1].planned == 55);
  CHECK(results[0].window.count() == Approx(0.1));
}

TEST_CASE("frames that do not arrive are lost") {
  Bench bench("b");
  uint32_t number = 0;
  const Between hole(bench.devices, bench.pool, [&number](Packet packet, const Between::Transmit& transmit) {
    if (++number % 10 == 0)
      free_packets({&packet, 1});
    else
      transmit(packet);
  });
  const TestStream stream = Bench::stream();
  const TestTraffic::Flow flow{&stream, 4_Mbps, 0};
  const Measured result = bench.traffic->run({&flow, 1}, 1, kShort, {}).front();
  CHECK(result.sent > 0);
  CHECK(result.lost == result.sent / 10);
  CHECK(result.reordered == 0);
}

TEST_CASE("frames that overtake another of their stream are counted") {
  Bench bench("c");
  Packet kept{nullptr};
  const Between swap(bench.devices, bench.pool, [&kept](Packet packet, const Between::Transmit& transmit) {
    if (kept.mbuf() == nullptr) {
      kept = packet;
      return;
    }
    transmit(packet);
    transmit(std::exchange(kept, Packet{nullptr}));
  });
  const TestStream stream = Bench::stream();
  const TestTraffic::Flow one{&stream, 4_Mbps, 0};
  const Measured result = bench.traffic->run({&one, 1}, 1, kShort, {}).front();
  CHECK(result.sent > 0);
  CHECK(result.reordered == result.sent / 2);
}

TEST_CASE("a class that sends more than its ceiling and burst is found") {
  Bench bench("d");
  const Between wire(bench.devices, bench.pool,
                     [](Packet packet, const Between::Transmit& transmit) { transmit(packet); });
  const TestStream slow = Bench::stream(100_kbps);
  const TestStream fast = Bench::stream(100_Mbps);
  const std::array flows{TestTraffic::Flow{&slow, 4_Mbps, 0}, TestTraffic::Flow{&fast, 4_Mbps, 0}};
  CHECK(bench.traffic->run(flows, 1, kShort, {}).front().classes_over_ceiling == 1);
}

}  // namespace bulkhead
