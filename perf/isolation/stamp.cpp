// SPDX-License-Identifier: Apache-2.0
#include "perf/isolation/stamp.hpp"

#include <rte_ethdev.h>

#include "nic/clock.hpp"
#include "perf/isolation/bench.hpp"

namespace bulkhead::perf {
namespace {

uint16_t stamp_burst(uint16_t /*port*/, uint16_t /*queue*/, rte_mbuf** packets, uint16_t count,
                     void* /*nothing*/) {
  const uint64_t now = clock_now().count();
  for (uint16_t i = 0; i < count; ++i)
    if (packets[i]->data_len >= Departure::kEnd)
      Departure::write(rte_pktmbuf_mtod(packets[i], uint8_t*), now);
  return count;
}

}  // namespace

void Departure::tell(const std::string& device) {
  uint16_t port = 0;
  if (rte_eth_dev_get_port_by_name(device.c_str(), &port) != 0 ||
      rte_eth_add_tx_callback(port, 0, stamp_burst, nullptr) == nullptr)
    give_up("device " + device + " cannot be made to say when frames leave");
}

}  // namespace bulkhead::perf
