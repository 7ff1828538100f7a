// SPDX-License-Identifier: Apache-2.0
#include "tests/support/ring_device.hpp"

#include <cstdio>
#include <cstdlib>

namespace bulkhead::test {
namespace {

RingPort make_port(const std::string& name, uint32_t size, uint16_t receive_queues) {
  auto port = RingPort::create(name, size, receive_queues);
  if (port) return *std::move(port);
  std::fprintf(stderr, "tests: %s\n", port.error().message().c_str());
  std::abort();
}

}  // namespace

RingDevice::RingDevice(const std::string& name, uint32_t size, uint16_t receive_queues)
    : device_(RingPort::device_of(name)), port_(make_port(name, size, receive_queues)) {}

void RingDevice::inject(const PacketPool& pool, std::span<const uint8_t> bytes) {
  if (!offer(pool, bytes)) std::abort();
}

bool RingDevice::offer(const PacketPool& pool, std::span<const uint8_t> bytes, QueueId queue) {
  const Packet packet = packet_of(pool, bytes);
  if (inject(packet, queue)) return true;
  free_packets({&packet, 1});
  return false;
}

std::vector<Frame> RingDevice::collect(std::size_t most) {
  std::vector<Frame> frames;
  while (frames.size() < most) {
    const Packet packet = take();
    if (packet.mbuf() == nullptr) break;
    frames.push_back(bytes_of(packet));
    free_packets({&packet, 1});
  }
  return frames;
}

std::size_t RingDevice::discard() {
  std::size_t freed = 0;
  for (Packet packet = take(); packet.mbuf() != nullptr; packet = take(), ++freed) free_packets({&packet, 1});
  return freed;
}

Packet RingDevice::take() {
  Burst one;
  port_.collect(one, 1);
  if (one.empty()) return {};
  const Packet packet = one[0];
  one.release();
  return packet;
}

}  // namespace bulkhead::test
