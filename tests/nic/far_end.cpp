// SPDX-License-Identifier: Apache-2.0
#include "tests/nic/far_end.hpp"

#include <cstdio>
#include <cstdlib>
#include <optional>

#include "nic/port.hpp"
#include "tests/support/kernel_link.hpp"
#include "tests/support/ring_device.hpp"

namespace bulkhead::test {
namespace {

class CableEnd final : public FarEnd {
 public:
  bool send(const Frame& frame) override { return link_.send(frame), true; }
  Frame receive() override { return link_.receive_from(kAlice); }

 private:
  VethPair cable_{"bh-near", "bh-far"};
  KernelLink link_{"bh-far"};
};

class TapEnd final : public FarEnd {
 public:
  TapEnd() { enter_private_network(); }
  void connect() override { link_.emplace("bh-tap"); }  // the port has made the interface
  bool send(const Frame& frame) override { return link_->send(frame), true; }
  Frame receive() override { return link_->receive_from(kAlice); }

 private:
  std::optional<KernelLink> link_;
};

class RingEnd final : public FarEnd {
 public:
  explicit RingEnd(PacketPool& pool) : pool_(pool) {}
  bool send(const Frame& frame) override { return ring_.inject(packet_of(pool_, frame)); }
  Frame receive() override {
    const auto frames = ring_.collect(1);
    return frames.empty() ? Frame{} : frames[0];
  }

 private:
  PacketPool& pool_;
  RingDevice ring_{"far"};
};

Port memif_server(PacketPool& pool) {
  auto port = Port::open({.name = "server", .device = "net_memif1,role=server,socket=bh-memif"}, pool);
  if (!port) {
    std::fprintf(stderr, "tests: %s\n", port.error().message().c_str());
    std::abort();
  }
  return std::move(*port);
}

class MemifEnd final : public FarEnd {
 public:
  explicit MemifEnd(PacketPool& pool) : pool_(pool), port_(memif_server(pool)) {}
  bool send(const Frame& frame) override {
    Burst burst;
    burst.push_back(packet_of(pool_, frame));
    if (port_.transmit(QueueId{0}, burst.span()) != 1) return false;
    burst.release();
    return true;
  }
  Frame receive() override {
    Burst burst;
    const bool came = eventually([&] { return port_.receive(QueueId{0}, burst, 1, {}) == 1; });
    return came ? bytes_of(burst[0]) : Frame{};
  }

 private:
  PacketPool& pool_;
  Port port_;
};

class NoEnd final : public FarEnd {
 public:
  bool send(const Frame&) override { return true; }
  Frame receive() override { return {}; }
};

}  // namespace

std::unique_ptr<FarEnd> cable_end(PacketPool&) { return std::make_unique<CableEnd>(); }
std::unique_ptr<FarEnd> tap_end(PacketPool&) { return std::make_unique<TapEnd>(); }
std::unique_ptr<FarEnd> ring_end(PacketPool& pool) { return std::make_unique<RingEnd>(pool); }
std::unique_ptr<FarEnd> memif_end(PacketPool& pool) { return std::make_unique<MemifEnd>(pool); }
std::unique_ptr<FarEnd> no_end(PacketPool&) { return std::make_unique<NoEnd>(); }

}  // namespace bulkhead::test
