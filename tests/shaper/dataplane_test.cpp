// SPDX-License-Identifier: Apache-2.0
#include "shaper/dataplane.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>
#include <future>
#include <memory>
#include <thread>
#include <vector>

#include "nic/worker_thread.hpp"
#include "tests/shaper/box.hpp"

using namespace bulkhead;
using namespace bulkhead::test;

namespace {

constexpr std::chrono::seconds kPatience{20};  // a bound for what is broken, not a time that is waited for

const CpuPlan kTwo{.workers = 2, .shares = {}};

std::vector<uint32_t> two_cores() {
  const std::vector<uint32_t> usable = usable_cores();
  return {usable.front(), usable.back()};
}

std::unique_ptr<Dataplane> start(Box& box, const std::vector<BoxSlice>& slices) {
  auto plane =
      Dataplane::start({.cores = two_cores(), .idle = IdlePolicy::nap, .on_failure = [](std::string) {}},
                       box.pool(), box.layout(slices, kTwo));
  if (!plane) FAIL(plane.error().message());
  return std::move(*plane);
}

SliceSpec wire_of(const std::string& name, uint16_t vlan) {
  return {.name = name, .places = {{.port = 0, .vlans = {vlan}}, {.port = 1, .vlans = {vlan}}}};
}

/// Waits until `happened`, or for so long that something must be broken.
template <class Happened>
bool eventually(Happened happened) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (!happened()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::yield();
  }
  return true;
}

/// A host that sends numbered frames through a slice and expects each of them back in order, never more of
/// them under way than the slice's queues hold. In a thread of its own; its findings are for after `stop`.
class Conversation {
 public:
  Conversation(Box& box, uint16_t vlan) : box_(box), vlan_(vlan), thread_([this] { run(); }) {}
  ~Conversation() { stop(); }
  void stop() {
    stopping_ = true;
    if (thread_.joinable()) thread_.join();
  }
  [[nodiscard]] uint32_t sent() const { return sent_; }
  [[nodiscard]] uint32_t returned() const { return returned_; }
  [[nodiscard]] uint32_t strangers() const { return strangers_; }
  [[nodiscard]] bool in_order() const { return in_order_; }

 private:
  void run() {
    const bool all_came = eventually([this] {
      if (!stopping_ && sent_ - returned_ < 100) {
        // A stranger's frame beside each: it may be lost whenever its slice comes or goes.
        box_.ring(0).inject(box_.pool(), tag(numbered(sent_++), vlan_));
        box_.ring(0).offer(box_.pool(), tag(numbered(0), 200));
      }
      while (true) {
        const Packet packet = box_.ring(1).take();
        if (packet.mbuf() == nullptr) break;
        look_at(bytes_of(packet));
        free_packets({&packet, 1});
      }
      return stopping_ && returned_ == sent_;
    });
    in_order_ = in_order_ && all_came;
  }
  void look_at(const Frame& frame) {
    if ((load_be16(&frame[14]) & 0xfff) != vlan_) {
      ++strangers_;
    } else {
      in_order_ = in_order_ && number_of(frame) == returned_++;
    }
  }

  Box& box_;
  uint16_t vlan_;
  std::atomic<bool> stopping_{false};
  uint32_t sent_ = 0;
  std::atomic<uint32_t> returned_{0};
  uint32_t strangers_ = 0;
  bool in_order_ = true;
  std::thread thread_;  // last: uses all others
};

}  // namespace

TEST_CASE("a data path forwards until it is stopped, and everything is counted", "[dataplane]") {
  Box box("dp-a", 2);
  const LeakCheck leak(box.pool());
  const BoxSlice slice = Box::slice(wire_of("a", 100));
  const auto plane = start(box, {slice});
  for (uint32_t i = 0; i < 200; ++i) box.ring(0).inject(box.pool(), tag(numbered(i), 100));
  std::vector<Frame> frames;
  CHECK(eventually([&] {
    for (Frame& frame : box.ring(1).collect()) frames.push_back(std::move(frame));
    return frames.size() == 200;
  }));
  for (uint32_t i = 0; i < frames.size(); ++i) CHECK(number_of(frames[i]) == i);
  plane->stop(kPatience);
  plane->stop(kPatience);  // again changes nothing
  const Account account = account_of(*slice.runtime);
  CHECK(account.received == 200);
  CHECK(account.transmitted == 200);
  CHECK(account.dropped == 0);
  uint64_t worked = 0;
  for (const WorkerTime& time : plane->worker_times()) worked += time.busy.read();
  CHECK(worked > 0);
  CHECK(leak.lost() == 0);
}

TEST_CASE("a data path that is stopped forwards what is queued, within its patience", "[dataplane]") {
  for (int round = 0; round < 20; ++round) {
    Box box("dp-b" + std::to_string(round), 2);
    const LeakCheck leak(box.pool());
    const BoxSlice slice = Box::slice(wire_of("a", 100));
    auto plane = start(box, {slice});
    for (uint32_t i = 0; i < 250; ++i) box.ring(0).inject(box.pool(), tag(numbered(i), 100));
    plane->stop(kPatience);
    const Account account = account_of(*slice.runtime);
    CHECK(account.transmitted == account.received);
    CHECK(account.dropped == 0);
    CHECK(box.ring(1).discard() == account.transmitted);
    plane.reset();
  }
}

TEST_CASE("what cannot be forwarded in time is dropped as shutdown", "[dataplane]") {
  Box box("dp-c", 2, 31);
  const BoxSlice slice = Box::slice(wire_of("a", 100));
  {
    const auto plane = start(box, {slice});
    // Nobody empties the device: 31 leave, the others wait in the ring, at the port and in the queues.
    for (uint32_t sent = 0; sent < 150;) {
      if (box.ring(0).offer(box.pool(), tag(numbered(sent), 100)))
        ++sent;
      else
        std::this_thread::yield();
    }
    CHECK(eventually([&] { return account_of(*slice.runtime).received == 150; }));
    plane->stop(std::chrono::milliseconds{5});
  }
  const Account account = account_of(*slice.runtime);
  CHECK(account.transmitted == 31);
  CHECK(dropped(*slice.runtime, DropReason::shutdown) == 119);
  CHECK(account.queued == 0);
  CHECK(account.balanced());
  CHECK(box.ring(1).discard() == 31);
  CHECK(box.pool().in_use() == 0);
}

TEST_CASE("a slice that stays loses nothing while others come and go", "[dataplane]") {
  Box box("dp-d", 2);
  const LeakCheck leak(box.pool());
  const BoxSlice stays = Box::slice(wire_of("stays", 100));
  std::vector<BoxSlice> guests;
  const auto plane = start(box, {stays});
  Conversation host(box, 100);
  for (int round = 0; round < 300; ++round) {
    if (round % 2 == 0) guests.push_back(Box::slice(wire_of("guest", 200)));
    // Also its number among the slices changes.
    if (round % 4 == 0) plane->publish(box.layout({guests.back(), stays}, kTwo));
    if (round % 4 == 1) plane->publish(box.layout({stays}, kTwo));
    if (round % 4 == 2) plane->publish(box.layout({stays, guests.back()}, kTwo));
    if (round % 4 == 3) plane->publish(box.layout({stays, guests.back()}, kTwo));
    const uint32_t seen = host.returned();
    CHECK(eventually([&] { return host.returned() > seen; }));
  }
  host.stop();
  CHECK(eventually([&] { return box.ring(0).all_received(); }));  // the last stranger's frame too
  plane->stop(kPatience);
  const uint32_t rest = static_cast<uint32_t>(box.ring(1).discard());

  CHECK(host.in_order());
  CHECK(host.returned() == host.sent());
  const Account account = account_of(*stays.runtime);
  CHECK(account.received == host.sent());
  CHECK(account.transmitted == host.sent());
  CHECK(account.dropped == 0);
  uint64_t guests_transmitted = 0;
  for (const BoxSlice& guest : guests) {
    const Account its = account_of(*guest.runtime);
    CHECK(its.balanced());
    CHECK(its.queued == 0);
    guests_transmitted += its.transmitted;
  }
  CHECK(guests_transmitted == host.strangers() + rest);
  CHECK(leak.lost() == 0);
}

TEST_CASE("what is queued is seen again when a layout is replaced", "[dataplane]") {
  // Nothing comes after these packets to mark the slice again: whatever was forgotten would stay.
  Box box("dp-e", 2);
  const BoxSlice slice = Box::slice(wire_of("a", 100));
  const auto plane = start(box, {slice});
  uint32_t sent = 0;
  uint32_t returned = 0;
  for (int round = 0; round < 200; ++round) {
    for (uint32_t i = 0; i < 8; ++i) box.ring(0).inject(box.pool(), tag(numbered(sent++), 100));
    plane->publish(box.layout({slice}, kTwo));
    if (!eventually([&] { return (returned += static_cast<uint32_t>(box.ring(1).discard())) == sent; }))
      FAIL("round " << round << ": " << sent - returned << " packets forgotten");
  }
  CHECK(account_of(*slice.runtime).dropped == 0);
}

TEST_CASE("a visit that throws ends its worker with a sentence, and nothing of the slice leaves elsewhere",
          "[dataplane]") {
  Box box("dp-h", 2);
  const LeakCheck leak(box.pool());
  SliceSpec failing = wire_of("failing", 100);
  failing.model = SliceSpec::Model::failing;
  const std::vector<BoxSlice> slices{Box::slice(failing), Box::slice(wire_of("sound", 200))};
  // All are received before the first slice is visited.
  for (uint32_t i = 0; i < 2; ++i) box.ring(0).inject(box.pool(), tag(numbered(i), 100));
  for (uint32_t i = 0; i < 10; ++i) box.ring(0).inject(box.pool(), tag(numbered(i), 200));
  std::promise<std::string> said;
  auto plane = Dataplane::start({.cores = {two_cores().front()},
                                 .idle = IdlePolicy::nap,
                                 .on_failure = [&](std::string what) { said.set_value(std::move(what)); }},
                                box.pool(), box.layout(slices));
  REQUIRE(plane);
  auto sentence = said.get_future();
  REQUIRE(sentence.wait_for(kPatience) == std::future_status::ready);
  CHECK(sentence.get() == fmt::format("worker 0 on core {}: a model that fails", two_cores().front()));
  (*plane)->publish(box.layout(slices));  // does not wait for the worker that has ended
  (*plane)->stop(std::chrono::milliseconds{50});
  // What the worker had in its hands left neither then nor with the other slice's packets, which nobody
  // visits any more.
  CHECK(box.ring(1).discard() == 0);
  const Account account = account_of(*slices[1].runtime);
  CHECK(account.received == 10);
  CHECK(account.dropped == 10);
  CHECK(dropped(*slices[1].runtime, DropReason::shutdown) == 10);
  plane->reset();
  CHECK(leak.lost() == 1);  // that the model had not sent yet; none is freed twice
}

TEST_CASE("a worker that fails leaves the others at work", "[dataplane]") {
  Box box("dp-i", 2);
  SliceSpec failing = wire_of("failing", 100);
  failing.model = SliceSpec::Model::failing;
  const std::vector<BoxSlice> slices{Box::slice(failing), Box::slice(wire_of("sound", 200))};
  std::atomic<int> failures{0};
  auto plane = Dataplane::start(
      {.cores = two_cores(), .idle = IdlePolicy::nap, .on_failure = [&](const std::string&) { ++failures; }},
      box.pool(), box.layout(slices, kTwo));
  REQUIRE(plane);
  box.ring(0).inject(box.pool(), tag(numbered(1), 100));
  REQUIRE(eventually([&] { return failures == 1; }));
  for (uint32_t i = 0; i < 100; ++i) box.ring(0).inject(box.pool(), tag(numbered(i), 200));
  std::size_t passed = 0;
  CHECK(eventually([&] {
    for (const Frame& frame : box.ring(1).collect()) {
      CHECK(frame[15] == 200);
      ++passed;
    }
    return passed == 100;
  }));
  (*plane)->stop(std::chrono::milliseconds{50});
  CHECK(failures == 1);
}

TEST_CASE("a data path without slices runs, and all frames are nobody's", "[dataplane]") {
  Box box("dp-f", 1);
  const auto plane = start(box, {});
  for (uint32_t i = 0; i < 10; ++i) box.ring(0).inject(box.pool(), numbered(i));
  CHECK(eventually([&] { return box.unclaimed() == 10; }));
  CHECK(plane->layout().generation() == 1);
}

TEST_CASE("a data path on a core that does not exist is refused, and leaves nothing behind", "[dataplane]") {
  Box box("dp-g", 1);
  const auto plane =
      Dataplane::start({.cores = {1000}, .idle = IdlePolicy::nap, .on_failure = [](std::string) {}},
                       box.pool(), box.layout({Box::slice({.name = "a", .places = {{.port = 0}}})}));
  REQUIRE_FALSE(plane);
  CHECK(plane.error().message().starts_with("worker: cannot be pinned to core 1000"));
}

TEST_CASE("a slice that is placed with other workers again and again loses and reorders nothing",
          "[dataplane]") {
  Box box("moves", 2);
  const BoxSlice slice = Box::slice(wire_of("a", 100));
  const BoxSlice other = Box::slice(wire_of("b", 200));
  const auto plane = start(box, {slice, other});
  std::vector<uint32_t> numbers;
  const auto collect = [&] {
    for (const Frame& frame : box.ring(1).collect()) numbers.push_back(number_of(frame));
  };
  constexpr uint32_t kPackets = 20'000;
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  for (uint32_t sent = 0; numbers.size() < kPackets && std::chrono::steady_clock::now() < deadline;) {
    for (; sent < kPackets && sent - numbers.size() < 100; ++sent)
      box.ring(0).inject(box.pool(), tag(numbered(sent), 100));
    plane->place(0, numbers.size() / 50 % 2);
    collect();
  }
  CHECK(numbers.size() == kPackets);
  CHECK(std::ranges::is_sorted(numbers));
  plane->stop(kPatience);
  CHECK(account_of(*slice.runtime).dropped == 0);
}
