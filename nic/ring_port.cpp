// SPDX-License-Identifier: Apache-2.0
#include "nic/ring_port.hpp"

#include <fmt/format.h>
#include <rte_bus_vdev.h>
#include <rte_errno.h>
#include <rte_eth_ring.h>
#include <rte_ring.h>

#include <algorithm>
#include <utility>

#include "nic/sanitizer.hpp"

namespace bulkhead {

void RingPort::Free::operator()(rte_ring* ring) const {
  void* object = nullptr;
  while (rte_ring_dequeue(ring, &object) == 0) {
    take_over_from_library(object);
    const Packet packet(static_cast<rte_mbuf*>(object));
    free_packets({&packet, 1});
  }
  rte_ring_free(ring);
}

Result<RingPort::Ring> RingPort::make_ring(const std::string& name, uint32_t packets) {
  constexpr unsigned kFlags = RING_F_SP_ENQ | RING_F_SC_DEQ | RING_F_EXACT_SZ;
  rte_ring* const ring = rte_ring_create(name.c_str(), packets, SOCKET_ID_ANY, kFlags);
  if (ring == nullptr)
    return fail(fmt::format("ring {}: no room for {} packets ({}); raise [appliance] memory", name, packets,
                            rte_strerror(rte_errno)));
  return Ring(ring);
}

Result<RingPort> RingPort::create(const std::string& name, uint32_t packets, uint16_t receive_queues) {
  std::vector<Ring> to_device;
  std::vector<rte_ring*> rx;
  for (uint16_t queue = 0; queue < receive_queues; ++queue) {
    auto ring = make_ring(fmt::format("{}-rx{}", name, queue), packets);
    if (!ring) return std::unexpected(ring.error());
    rx.push_back(ring->get());
    to_device.push_back(std::move(*ring));
  }
  auto from_device = make_ring(name + "-tx", packets);
  if (!from_device) return std::unexpected(from_device.error());
  rte_ring* const tx = from_device->get();
  if (rte_eth_from_rings(name.c_str(), rx.data(), receive_queues, &tx, 1, 0) < 0)
    return fail(fmt::format("device {}: cannot be made ({}); check that DPDK's ring driver is installed",
                            device_of(name), rte_strerror(rte_errno)));
  return RingPort(device_of(name), std::move(to_device), std::move(*from_device));
}

RingPort::RingPort(std::string device, std::vector<Ring> to_device, Ring from_device)
    : device_(std::move(device)), to_device_(std::move(to_device)), from_device_(std::move(from_device)) {}

RingPort::~RingPort() {
  if (!to_device_.empty()) rte_vdev_uninit(device_.c_str());
}

bool RingPort::inject(Packet packet, QueueId queue) {
  hand_over_to_library(packet.mbuf());
  return rte_ring_enqueue(to_device_[queue.value()].get(), packet.mbuf()) == 0;
}

bool RingPort::all_received() const {
  return std::ranges::all_of(to_device_, [](const Ring& ring) { return rte_ring_empty(ring.get()) != 0; });
}

void RingPort::collect(Burst& burst, uint32_t most) {
  auto** const objects = reinterpret_cast<void**>(burst.raw() + burst.size());
  const unsigned taken =
      rte_ring_dequeue_burst(from_device_.get(), objects, std::min(most, burst.room()), nullptr);
  for (unsigned i = 0; i < taken; ++i) take_over_from_library(objects[i]);
  burst.resize(burst.size() + taken);
}

}  // namespace bulkhead
