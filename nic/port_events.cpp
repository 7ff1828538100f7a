// SPDX-License-Identifier: Apache-2.0
// What a bus says is an experimental part of DPDK's interface (22.11 LTS).
#define ALLOW_EXPERIMENTAL_API
#include "nic/port_events.hpp"

#include <rte_dev.h>
#include <rte_ethdev.h>

#include <array>
#include <cerrno>
#include <thread>
#include <utility>

namespace bulkhead {
namespace {

constexpr std::array<rte_eth_event_type, 2> kEvents{RTE_ETH_EVENT_INTR_RESET, RTE_ETH_EVENT_INTR_RMV};

int hear_device(uint16_t /*device*/, rte_eth_event_type event, void* events, void* /*unused*/) {
  static_cast<PortEvents*>(events)->hear(event == RTE_ETH_EVENT_INTR_RMV ? PortTrouble::removed
                                                                         : PortTrouble::reset);
  return 0;
}

/// vfio-pci asks to be let go of a device this way, and the kernel waits until it is.
void hear_bus(const char* /*name*/, rte_dev_event_type event, void* events) {
  if (event == RTE_DEV_EVENT_REMOVE) static_cast<PortEvents*>(events)->hear(PortTrouble::removed);
}

/// A callback that runs just now cannot be unregistered yet; it takes a moment.
template <class Unregister>
void until_done(Unregister unregister) {
  while (unregister() == -EAGAIN) std::this_thread::yield();
}

}  // namespace

PortEvents::PortEvents(uint16_t device, std::string name) : device_(device), name_(std::move(name)) {
  for (const rte_eth_event_type event : kEvents)
    rte_eth_dev_callback_register(device_, event, hear_device, this);
  rte_dev_event_callback_register(name_.c_str(), hear_bus, this);
}

PortEvents::~PortEvents() {
  for (const rte_eth_event_type event : kEvents)
    until_done([&] { return rte_eth_dev_callback_unregister(device_, event, hear_device, this); });
  until_done([&] { return rte_dev_event_callback_unregister(name_.c_str(), hear_bus, this); });
}

void PortEvents::hear(PortTrouble trouble) {
  // A device that goes may ask for a reset as well.
  PortTrouble worst = heard_.load(std::memory_order_relaxed);
  while (worst < trouble && !heard_.compare_exchange_weak(worst, trouble, std::memory_order_release)) {
  }
}

}  // namespace bulkhead
