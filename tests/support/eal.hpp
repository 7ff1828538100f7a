// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "nic/packet_pool.hpp"

namespace bulkhead::test {

/// Starts DPDK, on ordinary pages, where no test of this process has yet. Ends with the process.
void test_eal();

/// A pool of its own for one test; starts DPDK first.
[[nodiscard]] PacketPool make_pool(uint32_t packets = 1023, uint32_t data_room = 2048);

/// How many packets have left the pool and not come back since this object was made.
class LeakCheck {
 public:
  explicit LeakCheck(const PacketPool& pool) : pool_(pool), before_(pool.in_use()) {}
  [[nodiscard]] int64_t lost() const { return int64_t{pool_.in_use()} - before_; }

 private:
  const PacketPool& pool_;
  int64_t before_;
};

}  // namespace bulkhead::test
