// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <compare>
#include <cstdint>
#include <cstring>

namespace bulkhead {

/// Numbers as they stand in a frame: most significant byte first (RFC 1700), at any alignment.
inline uint16_t load_be16(const uint8_t* at) { return static_cast<uint16_t>(at[0] << 8 | at[1]); }
inline uint32_t load_be32(const uint8_t* at) {
  uint32_t raw;
  std::memcpy(&raw, at, sizeof raw);
  return std::endian::native == std::endian::little ? __builtin_bswap32(raw) : raw;
}
inline uint64_t load_be64(const uint8_t* at) {
  uint64_t raw;
  std::memcpy(&raw, at, sizeof raw);
  return std::endian::native == std::endian::little ? __builtin_bswap64(raw) : raw;
}
inline uint64_t load_be48(const uint8_t* at) { return uint64_t{load_be16(at)} << 32 | load_be32(at + 2); }
inline void store_be16(uint8_t* at, uint16_t value) {
  at[0] = static_cast<uint8_t>(value >> 8);
  at[1] = static_cast<uint8_t>(value);
}
inline void store_be32(uint8_t* at, uint32_t value) {
  store_be16(at, static_cast<uint16_t>(value >> 16));
  store_be16(at + 2, static_cast<uint16_t>(value));
}
inline void store_be48(uint8_t* at, uint64_t value) {
  store_be16(at, static_cast<uint16_t>(value >> 32));
  store_be32(at + 2, static_cast<uint32_t>(value));
}

/// An IEEE 802 MAC address, kept as the 48-bit number that it is on the wire.
class MacAddress {
 public:
  constexpr MacAddress() = default;
  constexpr explicit MacAddress(uint64_t bits) : bits_(bits) {}
  static MacAddress load(const uint8_t* at) { return MacAddress{load_be48(at)}; }

  [[nodiscard]] constexpr uint64_t bits() const { return bits_; }
  /// The individual/group bit: broadcast and multicast have it set (IEEE 802-2014, 8.2.2).
  [[nodiscard]] constexpr bool is_group() const { return (bits_ >> 40 & 1) != 0; }
  constexpr auto operator<=>(const MacAddress&) const = default;

 private:
  uint64_t bits_ = 0;
};

/// The VLAN a frame belongs to at a port: a VID of IEEE 802.1Q, or none. Untagged takes the number of the
/// one VID that may never appear in a frame (0xFFF, table 9-2), so that every VLAN fits twelve bits.
class Vlan {
 public:
  static constexpr uint16_t kUntagged = 4095;
  static constexpr uint16_t kCount = 4096;

  constexpr Vlan() = default;
  constexpr explicit Vlan(uint16_t number) : number_(number) {}
  static constexpr Vlan untagged() { return Vlan{}; }

  [[nodiscard]] constexpr bool is_tagged() const { return number_ != kUntagged; }
  /// 0-4094, or kUntagged.
  [[nodiscard]] constexpr uint16_t number() const { return number_; }
  constexpr auto operator<=>(const Vlan&) const = default;

 private:
  uint16_t number_ = kUntagged;
};

/// Tag protocol identifiers (IEEE 802.1Q-2018, table 9-1) and the ethertypes that the parser follows.
inline constexpr uint16_t kEthertypeCustomerTag = 0x8100;
inline constexpr uint16_t kEthertypeServiceTag = 0x88a8;
inline constexpr uint16_t kEthertypeIpv4 = 0x0800;
inline constexpr uint16_t kEthertypeArp = 0x0806;
inline constexpr uint16_t kEthertypeIpv6 = 0x86dd;

inline constexpr uint32_t kEthernetHeaderSize = 14;
inline constexpr uint32_t kVlanTagSize = 4;

}  // namespace bulkhead
