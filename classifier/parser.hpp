// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "classifier/headers.hpp"
#include "nic/frame_view.hpp"

/// Reads the headers of a frame as it arrived. Pure functions, callable from any thread; nothing is read past
/// the end of the frame, whatever its bytes say.
///
/// A frame is malformed
///  - at any depth: when it is shorter than an Ethernet header (14 bytes); when it ends within its outer tag
///    or before the type behind it; when its outer VID is 4095 (IEEE 802.1Q-2018, table 9-2: reserved);
///  - from l2: when it ends within its second tag. The VID of the second tag is the customer's, not judged.
///  - from l3: ARP that ends before its addresses do (28 bytes for Ethernet and IPv4, RFC 826); IPv4 whose
///    version is not 4, whose header length is under 20 bytes or over the total length, or whose total
///    length is more than the frame has (RFC 791); IPv6 whose version is not 6, whose payload length is
///    more than the frame has, whose extension headers run past that, or are more than
///    kMaxExtensionHeaders (RFC 8200; jumbograms of RFC 2675 do not fit a frame);
///  - at l4: a packet or first fragment too short for the header of TCP (20 bytes and its options; data
///  offset
///    5 or more, RFC 9293), UDP (8, RFC 768), SCTP (12, RFC 9260), ICMP (8, RFC 792) or ICMPv6 (4, RFC 4443).
///    RFC 1858 and RFC 7112 are why a first fragment is held to it too.
/// Not looked at: checksums, lengths in UDP, 802.3 length fields, and any byte behind the IP total length
/// (Ethernet pads short frames). A third tag is payload, and its TPID the ethertype.
namespace bulkhead {

/// RFC 8200 4.1 recommends six at most (destination options twice); the rest is tolerance.
inline constexpr int kMaxExtensionHeaders = 8;

/// The outermost tag: the VLAN the frame belongs to at its port. TPID 0x8100 or 0x88a8.
struct FrameTag {
  Vlan vlan;
  uint8_t pcp = Headers::kNoPcp;
};

/// How far to read. What lies deeper is absent from the Headers, and cannot make the frame malformed.
enum class ParseDepth : uint8_t { l2, l3, l4 };

constexpr bool is_tag_type(uint16_t ethertype) {
  return ethertype == kEthertypeCustomerTag || ethertype == kEthertypeServiceTag;
}

/// The least that is needed to tell the VLAN of any frame without asking how long it is.
inline constexpr uint32_t kTaggedHeaderSize = kEthernetHeaderSize + kVlanTagSize;

/// The outermost tag of a frame that begins with kTaggedHeaderSize bytes in one piece; false when malformed.
/// Runs for every packet that arrives.
[[nodiscard]] inline bool read_tag(const uint8_t* bytes, FrameTag& tag) {
  if (!is_tag_type(load_be16(bytes + 12))) {
    tag = FrameTag{};
    return true;
  }
  const uint16_t tci = load_be16(bytes + kEthernetHeaderSize);
  const uint16_t vid = tci & 0xfff;
  tag.vlan = Vlan{vid};
  tag.pcp = static_cast<uint8_t>(tci >> 13);
  return vid != Vlan::kUntagged;
}

/// The same for any frame.
[[nodiscard]] bool parse_tag(const FrameView& frame, FrameTag& tag);

/// The match fields of a frame that arrived at `port`; false when malformed as far as `depth` looks, and
/// then `headers` is of no use.
[[nodiscard]] bool parse(const FrameView& frame, PortId port, ParseDepth depth, Headers& headers);

}  // namespace bulkhead
