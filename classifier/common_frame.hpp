// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "classifier/box.hpp"
#include "classifier/parser.hpp"
#include "classifier/protocols.hpp"

namespace bulkhead {

/// One of the frames that nearly all traffic consists of: in one piece, at most one tag, IPv4 or IPv6 without
/// options or extension headers, TCP or UDP, no fragment. Every field is then at a place known beforehand, so
/// that a lookup reads those that it asks for and no other. Whatever looks different in any way takes the
/// long way, parse() and point_of(), with which this agrees wherever it has an answer. Does not own the
/// bytes; callable from any thread.
class CommonFrame {
 public:
  /// The frame, where it is a common one. Requires: read_tag() took it for well formed and gave `tag`.
  [[nodiscard]] static std::optional<CommonFrame> recognise(const uint8_t* bytes, uint32_t length,
                                                            FrameTag tag);

  [[nodiscard]] FrameTag tag() const { return tag_; }
  [[nodiscard]] const uint8_t* bytes() const { return bytes_; }
  [[nodiscard]] const uint8_t* ip() const { return ip_; }
  [[nodiscard]] bool is_ipv4() const { return ipv4_; }

  /// The coordinate that point_of(headers) has in this dimension. Not for kDimPort: nobody asks it here, as a
  /// tree is made for ports that all its pieces have.
  [[nodiscard]] uint64_t operator[](Dimension dimension) const {
    if (dimension == kDimPcp) return uint64_t{1} << tag_.pcp;
    if (dimension == kDimVlan) return tag_.vlan.number();
    const Place& place = kPlaces[ipv4_ ? 0 : 1][dimension];
    const uint8_t* const base = is_ethernet(dimension) ? bytes_ : ip_;
    return (load_be64(base + place.offset) >> place.shift & place.mask) | place.constant;
  }

  /// Eight bytes of a frame that hold a coordinate, and how it lies in them; or a constant, where mask is 0.
  struct Place {
    uint64_t mask = 0;
    uint64_t constant = 0;
    uint32_t offset = 0;  // from the start of the frame for Ethernet addresses, else of the IP header
    uint32_t shift = 0;
  };
  /// For all but kDimPort, kDimPcp and kDimVlan.
  [[nodiscard]] static Place place_of(Dimension dimension, IpAddress::Family family) {
    return kPlaces[family == IpAddress::Family::v6 ? 1 : 0][dimension];
  }

 private:
  using Places = std::array<Place, kDimensions>;

  /// An IP header without options and the longer of the two transport headers: what may be read unasked.
  static constexpr uint32_t kIpv4Least = kIpv4HeaderSize + kTcpHeaderSize;
  static constexpr uint32_t kIpv6Least = kIpv6HeaderSize + kTcpHeaderSize;

  CommonFrame(const uint8_t* bytes, const uint8_t* ip, FrameTag tag, bool ipv4)
      : bytes_(bytes), ip_(ip), tag_(tag), ipv4_(ipv4) {}

  static constexpr bool is_ethernet(Dimension dimension) {
    return dimension == kDimEthDst || dimension == kDimEthSrc;
  }
  static constexpr Place place(uint32_t offset, uint32_t bytes);
  static constexpr Places places(IpAddress::Family family);
  static bool has_ports(const uint8_t* l4, uint8_t proto, uint32_t room);
  static bool is_common_ipv4(const uint8_t* ip, uint32_t size);
  static bool is_common_ipv6(const uint8_t* ip, uint32_t size);

  static const std::array<Places, 2> kPlaces;  // IPv4, IPv6

  const uint8_t* bytes_;
  const uint8_t* ip_;
  FrameTag tag_;
  bool ipv4_;
};

/// A field of up to eight bytes at `offset`, read together with what stands behind it.
constexpr CommonFrame::Place CommonFrame::place(uint32_t offset, uint32_t bytes) {
  return {.mask = UINT64_MAX >> (64 - 8 * bytes), .offset = offset, .shift = 64 - 8 * bytes};
}

constexpr CommonFrame::Places CommonFrame::places(IpAddress::Family family) {
  const bool v4 = family == IpAddress::Family::v4;
  const uint32_t l4 = v4 ? kIpv4HeaderSize : kIpv6HeaderSize;
  Places out{};
  out[kDimEthDst] = place(0, 6);
  out[kDimEthSrc] = place(6, 6);
  out[kDimEthertype] = {.constant = v4 ? kEthertypeIpv4 : kEthertypeIpv6};
  out[kDimFamily] = {.constant = static_cast<uint64_t>(family)};
  out[kDimL4Src] = place(l4, 2);
  out[kDimL4Dst] = place(l4 + 2, 2);
  out[kDimProto] = place(v4 ? 9 : 6, 1);
  out[kDimDscp] = place(0, 2);  // version, header length or traffic class, DSCP, ECN
  out[kDimDscp].shift += v4 ? 2 : 6;
  out[kDimDscp].mask = 0x3f;
  out[kDimSrcHigh] = v4 ? place(12, 4) : place(8, 8);
  out[kDimDstHigh] = v4 ? place(16, 4) : place(24, 8);
  if (!v4) {
    out[kDimSrcLow] = place(16, 8);
    out[kDimDstLow] = place(32, 8);
  }
  return out;
}
inline constexpr std::array<CommonFrame::Places, 2> CommonFrame::kPlaces{places(IpAddress::Family::v4),
                                                                         places(IpAddress::Family::v6)};

/// Requires: kTcpHeaderSize bytes at `l4` that may be read, of which `room` belong to the packet.
inline bool CommonFrame::has_ports(const uint8_t* l4, uint8_t proto, uint32_t room) {
  if (proto == kProtoUdp) return room >= kUdpHeaderSize;
  return proto == kProtoTcp && is_tcp_header_length(l4[12], room);
}

inline bool CommonFrame::is_common_ipv4(const uint8_t* ip, uint32_t size) {
  constexpr uint16_t kFragment = 0x3fff;  // the offset, and "more fragments"
  const uint32_t total_length = load_be16(ip + 2);
  return size >= kIpv4Least && ip[0] == 0x45 && (load_be16(ip + 6) & kFragment) == 0 &&
         total_length <= size && total_length >= kIpv4HeaderSize &&
         has_ports(ip + kIpv4HeaderSize, ip[9], total_length - kIpv4HeaderSize);
}

inline bool CommonFrame::is_common_ipv6(const uint8_t* ip, uint32_t size) {
  const uint32_t payload_length = load_be16(ip + 4);
  return size >= kIpv6Least && ip[0] >> 4 == 6 && payload_length <= size - kIpv6HeaderSize &&
         has_ports(ip + kIpv6HeaderSize, ip[6], payload_length);
}

inline std::optional<CommonFrame> CommonFrame::recognise(const uint8_t* bytes, uint32_t length,
                                                         FrameTag tag) {
  const uint32_t offset = tag.vlan.is_tagged() ? kTaggedHeaderSize : kEthernetHeaderSize;
  if (length < offset + kIpv4Least) return std::nullopt;
  const uint8_t* const ip = bytes + offset;
  const uint16_t ethertype = load_be16(ip - 2);
  const bool ipv4 = ethertype == kEthertypeIpv4;
  if (!ipv4 && ethertype != kEthertypeIpv6) return std::nullopt;
  if (!(ipv4 ? is_common_ipv4(ip, length - offset) : is_common_ipv6(ip, length - offset)))
    return std::nullopt;
  return CommonFrame{bytes, ip, tag, ipv4};
}

}  // namespace bulkhead
