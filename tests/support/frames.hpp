// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "classifier/headers.hpp"
#include "nic/packet_pool.hpp"

/// Frames for packet cases, written so that a row of a table reads as a sentence:
/// `tag(udp(kAlice, kBob), 100, 5)` is Alice's UDP frame to Bob in VLAN 100 with priority 5.
namespace bulkhead::test {

using Frame = std::vector<uint8_t>;

inline constexpr MacAddress kAlice{0x0200'0000'000a};
inline constexpr MacAddress kBob{0x0200'0000'000b};
inline constexpr MacAddress kCarol{0x0200'0000'000c};
inline constexpr MacAddress kEveryone{0xffff'ffff'ffff};

/// An untagged IPv4 UDP frame of `size` bytes, 60 at least; the payload counts up from `first`.
[[nodiscard]] Frame udp(MacAddress from, MacAddress to, std::size_t size = 60, uint8_t first = 0);

/// An untagged frame of one number, to tell it from others: see `number_of`.
[[nodiscard]] Frame numbered(uint32_t number, std::size_t size = 60);
[[nodiscard]] uint32_t number_of(std::span<const uint8_t> frame);

/// The frame with one more tag in front.
[[nodiscard]] Frame tag(const Frame& frame, uint16_t vid, uint8_t pcp = 0, bool dei = false,
                        uint16_t tpid = kEthertypeCustomerTag);

/// A packet with these bytes and the state that receiving and demultiplexing would give it. Aborts where the
/// pool has none left.
[[nodiscard]] Packet packet_of(const PacketPool& pool, std::span<const uint8_t> bytes, Cycles arrival = {});

/// A packet whose segments have these sizes (the last takes the rest), with the state as above.
[[nodiscard]] Packet segmented(const PacketPool& pool, std::span<const uint8_t> bytes,
                               std::span<const uint32_t> sizes);

/// Marks the packet as a NIC's flow rule would.
void set_mark(Packet packet, uint32_t mark);

/// What stands in the packet, all segments.
[[nodiscard]] Frame bytes_of(Packet packet);

}  // namespace bulkhead::test
