// SPDX-License-Identifier: Apache-2.0
#include "tests/support/ring_device.hpp"

#include <rte_bus_vdev.h>
#include <rte_eth_ring.h>
#include <rte_ethdev.h>
#include <rte_ring.h>

#include <cstdlib>

#include "nic/sanitizer.hpp"

namespace bulkhead::test {
namespace {

rte_ring* make_ring(const std::string& name, uint32_t size) {
  rte_ring* ring =
      rte_ring_create(name.c_str(), size, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ | RING_F_EXACT_SZ);
  if (ring == nullptr) std::abort();
  return ring;
}

}  // namespace

RingDevice::RingDevice(const std::string& name, uint32_t size)
    : device_("net_ring_" + name),
      to_port_(make_ring(name + "-rx", size)),
      from_port_(make_ring(name + "-tx", size)) {
  if (rte_eth_from_rings(name.c_str(), &to_port_, 1, &from_port_, 1, 0) < 0) std::abort();
}

RingDevice::~RingDevice() {
  discard();
  void* object = nullptr;
  while (rte_ring_dequeue(to_port_, &object) == 0) {
    const Packet packet(static_cast<rte_mbuf*>(object));
    take_over_from_library(packet.mbuf());
    free_packets({&packet, 1});
  }
  rte_vdev_uninit(device_.c_str());
  rte_ring_free(to_port_);
  rte_ring_free(from_port_);
}

bool RingDevice::inject(Packet packet) {
  hand_over_to_library(packet.mbuf());
  return rte_ring_enqueue(to_port_, packet.mbuf()) == 0;
}

void RingDevice::inject(const PacketPool& pool, std::span<const uint8_t> bytes) {
  if (!inject(packet_of(pool, bytes))) std::abort();
}

bool RingDevice::all_received() const { return rte_ring_empty(to_port_) != 0; }

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
  void* object = nullptr;
  if (rte_ring_dequeue(from_port_, &object) != 0) return {};
  take_over_from_library(object);
  return Packet(static_cast<rte_mbuf*>(object));
}

}  // namespace bulkhead::test
