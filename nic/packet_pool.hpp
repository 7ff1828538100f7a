// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "nic/error.hpp"
#include "nic/packet.hpp"
#include "nic/units.hpp"

namespace bulkhead {

/// A fixed number of packet buffers, all of them allocated at once. Destroying it requires that every packet
/// has come back and no port uses it. Allocation and release: any registered thread.
class PacketPool {
 public:
  /// What one packet of `data_room` frame bytes takes from the memory, bookkeeping included.
  static Bytes footprint(uint32_t data_room);
  /// How many packets of `data_room` frame bytes fit into `memory`.
  static uint32_t capacity_of(Bytes memory, uint32_t data_room);

  /// `data_room`: most bytes of a frame in one segment; headroom for tags comes on top.
  static Result<PacketPool> create(const std::string& name, uint32_t packets, uint32_t data_room);

  [[nodiscard]] uint32_t capacity() const;
  /// Packets out of the pool, those in a thread's cache not counted.
  [[nodiscard]] uint32_t in_use() const;
  [[nodiscard]] uint32_t data_room() const;

  /// An empty packet; a null handle when the pool has none left.
  [[nodiscard]] Packet allocate() const;
  /// A packet with these bytes, in several segments where one is too small; null when the pool is exhausted.
  [[nodiscard]] Packet allocate(std::span<const uint8_t> bytes) const;
  /// A copy of a packet with its state; null when the pool is exhausted.
  [[nodiscard]] Packet copy(Packet packet) const;

  [[nodiscard]] rte_mempool* raw() const { return pool_.get(); }

 private:
  struct Release {
    void operator()(rte_mempool* pool) const;
  };
  explicit PacketPool(rte_mempool* pool) : pool_(pool) {}

  std::unique_ptr<rte_mempool, Release> pool_;
};

}  // namespace bulkhead
