// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>

namespace bulkhead {

/// A number that one thread at a time adds to and any thread reads. Without a locked instruction: whoever
/// writes must be the only writer for as long as it does (a worker that holds the claim on what is counted).
class Counter {
 public:
  void add(uint64_t n) {
    value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  [[nodiscard]] uint64_t read() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_{0};  // worker: writes, control: reads
};

/// Packets and their bytes as the NIC hands them over (without frame check sequence).
struct TrafficCounter {
  Counter packets;
  Counter bytes;

  void add(uint64_t more_packets, uint64_t more_bytes) {
    packets.add(more_packets);
    bytes.add(more_bytes);
  }
};

}  // namespace bulkhead
