// SPDX-License-Identifier: Apache-2.0
#include "classifier/address_table.hpp"

#include <algorithm>
#include <bit>

namespace bulkhead {
namespace {

// Twice the room that is needed: both buckets of a station are then full with a probability under one in a
// hundred, also for the last one that the table is to hold.
std::size_t bucket_count(uint32_t max_addresses, uint32_t ways) {
  return std::bit_ceil(std::max<std::size_t>(1, std::size_t{max_addresses} * 2 / ways));
}

constexpr uint64_t kPortBits = 0xff;

}  // namespace

AddressTable::AddressTable(uint32_t max_addresses, Cycles ageing, uint64_t key)
    : buckets_(bucket_count(max_addresses, kWays)),
      hash_key_(key),
      max_addresses_(max_addresses),
      ageing_(ageing) {}

uint64_t AddressTable::key_of(Vlan vlan, MacAddress station) {
  // The top bit keeps VLAN 0 with address 0 apart from a free entry.
  return uint64_t{1} << 63 | uint64_t{vlan.number()} << 48 | station.bits();
}

std::array<std::size_t, 2> AddressTable::buckets_of(uint64_t key) const {
  // Two rounds of multiply and fold (the mixing step of MurmurHash3), keyed before each.
  uint64_t x = (key ^ hash_key_) * 0xff51afd7ed558ccdull;
  x = (x ^ x >> 32 ^ std::rotl(hash_key_, 32)) * 0xc4ceb9fe1a85ec53ull;
  x ^= x >> 32;
  const uint64_t mask = buckets_.size() - 1;
  return {x & mask, x >> 32 & mask};
}

bool AddressTable::is_aged(uint64_t seen, Cycles now) const {
  const uint64_t last = seen & ~kPortBits;
  return now.count() > last && now.count() - last > ageing_.count();
}

void AddressTable::count(int64_t change) {
  size_.store(size_.load(std::memory_order_relaxed) + static_cast<uint64_t>(change),
              std::memory_order_relaxed);
}

std::optional<LocalPort> AddressTable::find(Vlan vlan, MacAddress station, Cycles now) const {
  const uint64_t key = key_of(vlan, station);
  for (const std::size_t number : buckets_of(key)) {
    const Bucket& bucket = buckets_[number];
    for (uint32_t way = 0; way < kWays; ++way)
      if (bucket.keys[way] == key) {
        if (is_aged(bucket.seen[way], now)) return std::nullopt;
        return static_cast<LocalPort>(bucket.seen[way] & kPortBits);
      }
  }
  return std::nullopt;
}

bool AddressTable::learn(Vlan vlan, MacAddress station, LocalPort port, Cycles now) {
  const uint64_t key = key_of(vlan, station);
  const uint64_t seen = (now.count() & ~kPortBits) | port;
  const bool may_grow = size() < max_addresses_;
  Bucket* emptier = nullptr;
  uint32_t most_room = 0;
  uint32_t place = 0;
  for (const std::size_t number : buckets_of(key)) {
    Bucket& bucket = buckets_[number];
    uint32_t room = 0;
    uint32_t last_room = 0;
    for (uint32_t way = 0; way < kWays; ++way) {
      if (bucket.keys[way] == key) {
        bucket.seen[way] = seen;
        return true;
      }
      if (bucket.keys[way] == kFree ? !may_grow : !is_aged(bucket.seen[way], now)) continue;
      ++room;
      last_room = way;
    }
    if (room <= most_room) continue;
    emptier = &bucket;
    most_room = room;
    place = last_room;
  }
  if (emptier == nullptr) return false;
  if (emptier->keys[place] == kFree) count(+1);
  emptier->keys[place] = key;
  emptier->seen[place] = seen;
  return true;
}

void AddressTable::age_some(Cycles now) {
  Bucket& bucket = buckets_[next_to_age_];
  next_to_age_ = (next_to_age_ + 1) & (buckets_.size() - 1);
  for (uint32_t way = 0; way < kWays; ++way)
    if (bucket.keys[way] != kFree && is_aged(bucket.seen[way], now)) {
      bucket.keys[way] = kFree;
      count(-1);
    }
}

}  // namespace bulkhead
