// SPDX-License-Identifier: Apache-2.0
// What a bus says is an experimental part of DPDK's interface.
#define ALLOW_EXPERIMENTAL_API
#include "tests/support/device_events.hpp"

#include <rte_dev.h>
#include <rte_ethdev.h>

#include <cstdio>
#include <cstdlib>

// Of DPDK's interface for drivers, whose header Debian does not ship (ethdev_driver.h).
extern "C" {
struct rte_eth_dev;
rte_eth_dev* rte_eth_dev_allocated(const char* name);
int rte_eth_dev_callback_process(rte_eth_dev* device, rte_eth_event_type event, void* parameter);
}

namespace bulkhead::test {
namespace {

void say(const std::string& name, rte_eth_event_type event) {
  rte_eth_dev* const device = rte_eth_dev_allocated(name.c_str());
  if (device == nullptr) {
    std::fprintf(stderr, "tests: there is no device %s\n", name.c_str());
    std::abort();
  }
  rte_eth_dev_callback_process(device, event, nullptr);
}

}  // namespace

void ask_for_reset(const std::string& device) { say(device, RTE_ETH_EVENT_INTR_RESET); }

void say_removed(const std::string& device) { say(device, RTE_ETH_EVENT_INTR_RMV); }

void ask_for_release(const std::string& device) {
  rte_dev_event_callback_process(device.c_str(), RTE_DEV_EVENT_REMOVE);
}

}  // namespace bulkhead::test
