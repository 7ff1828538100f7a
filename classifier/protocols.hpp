// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace bulkhead {

/// The protocol numbers (IANA, "Assigned Internet Protocol Numbers") and header sizes that parser and frame
/// builder share.
inline constexpr uint8_t kProtoHopByHop = 0;
inline constexpr uint8_t kProtoIcmp = 1;
inline constexpr uint8_t kProtoTcp = 6;
inline constexpr uint8_t kProtoUdp = 17;
inline constexpr uint8_t kProtoRouting = 43;
inline constexpr uint8_t kProtoFragment = 44;
inline constexpr uint8_t kProtoAuthentication = 51;
inline constexpr uint8_t kProtoIcmpv6 = 58;
inline constexpr uint8_t kProtoDestinationOptions = 60;
inline constexpr uint8_t kProtoSctp = 132;

/// Lower values of the field are lengths (IEEE 802.3, 3.2.6).
inline constexpr uint16_t kFirstEthertype = 0x0600;

inline constexpr uint32_t kArpFixedSize = 8;
inline constexpr uint32_t kArpSize = 28;  // with Ethernet and IPv4 addresses
inline constexpr uint32_t kIpv4HeaderSize = 20;
inline constexpr uint32_t kIpv6HeaderSize = 40;
inline constexpr uint32_t kIpv6ExtensionMinSize = 8;
inline constexpr uint32_t kTcpHeaderSize = 20;
inline constexpr uint32_t kUdpHeaderSize = 8;
inline constexpr uint32_t kSctpHeaderSize = 12;
inline constexpr uint32_t kIcmpHeaderSize = 8;
inline constexpr uint32_t kIcmpv6HeaderSize = 4;

/// Whether the header length that a TCP header states in the upper half of this, its 13th, byte is one, and
/// fits into the `room` bytes of its packet (RFC 9293 3.1).
constexpr bool is_tcp_header_length(uint8_t byte, uint32_t room) {
  const uint32_t length = (byte >> 4) * 4u;
  return length >= kTcpHeaderSize && length <= room;
}

/// Protocols that have L4 ports.
constexpr bool has_ports(uint16_t proto) {
  return proto == kProtoTcp || proto == kProtoUdp || proto == kProtoSctp;
}

/// Headers that may stand between IPv6 and its payload. ESP (50) hides what follows and no-next-header (59)
/// ends the packet: both are where a walk ends, not steps of it.
constexpr bool is_ipv6_extension(uint8_t next) {
  return next == kProtoHopByHop || next == kProtoRouting || next == kProtoFragment ||
         next == kProtoAuthentication || next == kProtoDestinationOptions;
}

/// Size of the extension header of type `next` whose length field holds `length`: in units of 8 bytes beyond
/// the first (RFC 8200 4), of 4 bytes beyond two for authentication (RFC 4302 2.2), fixed for fragments (the
/// field is reserved there).
constexpr uint32_t ipv6_extension_size(uint8_t next, uint8_t length) {
  if (next == kProtoFragment) return 8;
  return next == kProtoAuthentication ? (length + 2u) * 4 : (length + 1u) * 8;
}

}  // namespace bulkhead
