// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <optional>
#include <vector>

#include "classifier/forwarding.hpp"
#include "nic/units.hpp"
#include "nic/wire.hpp"

namespace bulkhead {

/// The stations a switch has learned: (VLAN, MAC address) -> port (IEEE 802.1D-2004, 7.9: filtering database,
/// dynamic entries). Bounded, with no allocation after construction. One thread at a time; `size` from any.
///
/// Buckets of four entries, one cache line each. A keyed hash picks two of them, and a station goes into the
/// emptier (Azar et al., Balanced Allocations, 1994): a look-up touches one line or two, nearly every place
/// can be used, and stations that would fill a bucket cannot be computed without the key.
class AddressTable {
 public:
  /// Holds at most `max_addresses`. `key` seeds the hash.
  AddressTable(uint32_t max_addresses, Cycles ageing, uint64_t key);

  /// The port where the station was last seen, unless that was too long ago.
  [[nodiscard]] std::optional<LocalPort> find(Vlan vlan, MacAddress station, Cycles now) const;

  /// Notes that the station is at the port, also when it was elsewhere before. False: no room for it.
  [[nodiscard]] bool learn(Vlan vlan, MacAddress station, LocalPort port, Cycles now);

  /// Forgets the stations of a few buckets that have aged; over many calls, of all. Cost is small and fixed.
  void age_some(Cycles now);

  [[nodiscard]] uint64_t size() const { return size_.load(std::memory_order_relaxed); }

 private:
  static constexpr uint32_t kWays = 4;
  static constexpr uint64_t kFree = 0;
  struct alignas(64) Bucket {
    uint64_t keys[kWays] = {};  // VLAN and address, kFree where empty
    uint64_t seen[kWays] = {};  // cycles of the last sight, the port in the low byte
  };

  static uint64_t key_of(Vlan vlan, MacAddress station);
  [[nodiscard]] std::array<std::size_t, 2> buckets_of(uint64_t key) const;
  [[nodiscard]] bool is_aged(uint64_t seen, Cycles now) const;
  void count(int64_t change);

  std::vector<Bucket> buckets_;
  uint64_t hash_key_;
  uint64_t max_addresses_;
  Cycles ageing_;
  std::size_t next_to_age_ = 0;
  std::atomic<uint64_t> size_{0};  // worker: writes, control: reads
};

}  // namespace bulkhead
