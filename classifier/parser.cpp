// SPDX-License-Identifier: Apache-2.0
#include "classifier/parser.hpp"

#include <cstring>

#include "classifier/protocols.hpp"

namespace bulkhead {
namespace {

using Family = IpAddress::Family;

/// A frame in one piece: a bounds check and no copy. Nearly every frame is one.
class WholeFrame {
 public:
  explicit WholeFrame(const FrameView& frame) : bytes_(frame.data()), length_(frame.length()) {}
  [[nodiscard]] uint32_t length() const { return length_; }
  /// `size` bytes at `offset`, or null where the frame ends before.
  [[nodiscard]] const uint8_t* at(uint32_t offset, uint32_t size) const {
    return uint64_t{offset} + size <= length_ ? bytes_ + offset : nullptr;
  }

 private:
  const uint8_t* bytes_;
  uint32_t length_;
};

/// A frame in several segments. What `at` returned lasts until the next call.
class SplitFrame {
 public:
  explicit SplitFrame(const FrameView& frame) : frame_(frame) {}
  [[nodiscard]] uint32_t length() const { return frame_.length(); }
  [[nodiscard]] const uint8_t* at(uint32_t offset, uint32_t size) {
    return frame_.read(offset, size, scratch_);
  }

 private:
  static constexpr uint32_t kLargestRead = 40;  // an IPv6 header
  const FrameView& frame_;
  uint8_t scratch_[kLargestRead];
};

/// The bytes of an IP packet behind its headers, as offsets into the frame.
struct Payload {
  uint32_t begin = 0;
  uint32_t end = 0;
  [[nodiscard]] uint32_t size() const { return end - begin; }
};

/// Addresses and tags; `offset` is left where the payload begins.
template <class Frame>
bool parse_link(Frame& frame, Headers& headers, uint32_t& offset) {
  const uint8_t* ethernet = frame.at(0, kEthernetHeaderSize);
  if (ethernet == nullptr) return false;
  headers.eth_dst = MacAddress::load(ethernet);
  headers.eth_src = MacAddress::load(ethernet + 6);
  uint16_t type = load_be16(ethernet + 12);
  offset = kEthernetHeaderSize;
  for (int tags = 0; tags < 2 && is_tag_type(type); ++tags, offset += kVlanTagSize) {
    const uint8_t* tag = frame.at(offset, kVlanTagSize);
    if (tag == nullptr) return false;
    if (tags == 0) {
      const uint16_t tci = load_be16(tag);
      headers.vlan = Vlan{static_cast<uint16_t>(tci & 0xfff)};
      headers.pcp = static_cast<uint8_t>(tci >> 13);
      if (!headers.vlan.is_tagged()) return false;
    }
    type = load_be16(tag + 2);
  }
  headers.ethertype = type >= kFirstEthertype ? type : Headers::kNoEthertype;
  return true;
}

template <class Frame>
bool parse_arp(Frame& frame, uint32_t offset) {
  const uint8_t* arp = frame.at(offset, kArpFixedSize);
  if (arp == nullptr) return false;
  const uint32_t addresses = 2u * arp[4] + 2u * arp[5];  // hardware and protocol, of sender and target
  return kArpFixedSize + addresses <= frame.length() - offset;
}

template <Family kFamily>
void load_address(const uint8_t* at, IpAddress& address) {
  address.family = kFamily;
  std::memcpy(address.bytes.data(), at, kFamily == Family::v4 ? 4 : 16);
}

template <class Frame>
bool parse_ports(Frame& frame, Payload payload, uint32_t header_size, Headers& headers) {
  if (payload.size() < header_size) return false;
  const uint8_t* header = frame.at(payload.begin, header_size);
  if (header == nullptr) return false;
  if (headers.ip_proto == kProtoTcp && !is_tcp_header_length(header[12], payload.size())) return false;
  headers.l4_src = load_be16(header);
  headers.l4_dst = load_be16(header + 2);
  return true;
}

/// Requires: a payload within the frame that begins with the header of headers.ip_proto.
template <class Frame>
bool parse_transport(Frame& frame, Payload payload, Headers& headers) {
  const bool v6 = headers.ip_src.family == Family::v6;
  switch (headers.ip_proto) {
    case kProtoTcp:
      return parse_ports(frame, payload, kTcpHeaderSize, headers);
    case kProtoUdp:
      return parse_ports(frame, payload, kUdpHeaderSize, headers);
    case kProtoSctp:
      return parse_ports(frame, payload, kSctpHeaderSize, headers);
    case kProtoIcmp:
      return v6 || payload.size() >= kIcmpHeaderSize;
    case kProtoIcmpv6:
      return !v6 || payload.size() >= kIcmpv6HeaderSize;
    default:
      return true;
  }
}

template <class Frame>
bool parse_ipv4(Frame& frame, uint32_t offset, ParseDepth depth, Headers& headers) {
  const uint8_t* ip = frame.at(offset, kIpv4HeaderSize);
  if (ip == nullptr || ip[0] >> 4 != 4) return false;
  const uint32_t header_size = (ip[0] & 0xf) * 4u;
  const uint32_t total_length = load_be16(ip + 2);
  if (header_size < kIpv4HeaderSize || total_length < header_size) return false;
  if (total_length > frame.length() - offset) return false;

  headers.dscp = ip[1] >> 2;
  headers.ip_proto = ip[9];
  load_address<Family::v4>(ip + 12, headers.ip_src);
  load_address<Family::v4>(ip + 16, headers.ip_dst);
  const bool later_fragment = (load_be16(ip + 6) & 0x1fff) != 0;
  if (depth < ParseDepth::l4 || later_fragment) return true;
  return parse_transport(frame, {offset + header_size, offset + total_length}, headers);
}

/// Walks from the header of type `next` at payload.begin to the first that is no extension header; `next` is
/// left at its type.
template <class Frame>
bool skip_extensions(Frame& frame, Payload& payload, uint8_t& next, bool& later_fragment) {
  for (int count = 0; is_ipv6_extension(next); ++count) {
    if (count == kMaxExtensionHeaders || payload.size() < kIpv6ExtensionMinSize) return false;
    const uint8_t* extension = frame.at(payload.begin, kIpv6ExtensionMinSize);
    if (extension == nullptr) return false;
    const uint32_t size = ipv6_extension_size(next, extension[1]);
    if (size > payload.size()) return false;
    payload.begin += size;
    later_fragment = next == kProtoFragment && (load_be16(extension + 2) & 0xfff8) != 0;
    next = extension[0];
    if (later_fragment) return true;  // what follows is the middle of a payload, whatever `next` says
  }
  return true;
}

template <class Frame>
bool parse_ipv6(Frame& frame, uint32_t offset, ParseDepth depth, Headers& headers) {
  const uint8_t* ip = frame.at(offset, kIpv6HeaderSize);
  if (ip == nullptr || ip[0] >> 4 != 6) return false;
  const uint32_t payload_length = load_be16(ip + 4);
  if (payload_length > frame.length() - offset - kIpv6HeaderSize) return false;

  headers.dscp = static_cast<uint8_t>(load_be16(ip) >> 6 & 0x3f);
  load_address<Family::v6>(ip + 8, headers.ip_src);
  load_address<Family::v6>(ip + 24, headers.ip_dst);
  uint8_t next = ip[6];
  bool later_fragment = false;
  const uint32_t begin = offset + kIpv6HeaderSize;
  Payload payload{begin, begin + payload_length};
  if (is_ipv6_extension(next) && !skip_extensions(frame, payload, next, later_fragment)) return false;
  headers.ip_proto = next;
  if (depth < ParseDepth::l4 || later_fragment) return true;
  return parse_transport(frame, payload, headers);
}

template <class Frame>
bool parse_frame(Frame frame, ParseDepth depth, Headers& headers) {
  uint32_t offset = 0;
  if (!parse_link(frame, headers, offset)) return false;
  if (depth == ParseDepth::l2) return true;
  switch (headers.ethertype) {
    case kEthertypeIpv4:
      return parse_ipv4(frame, offset, depth, headers);
    case kEthertypeIpv6:
      return parse_ipv6(frame, offset, depth, headers);
    case kEthertypeArp:
      return parse_arp(frame, offset);
    default:
      return true;
  }
}

[[gnu::noinline]] bool parse_split(const FrameView& frame, ParseDepth depth, Headers& headers) {
  return parse_frame(SplitFrame{frame}, depth, headers);
}

}  // namespace

bool parse_tag(const FrameView& frame, FrameTag& tag) {
  tag = FrameTag{};
  uint8_t scratch[kTaggedHeaderSize];
  if (const uint8_t* bytes = frame.read(0, kTaggedHeaderSize, scratch)) return read_tag(bytes, tag);
  const uint8_t* type = frame.read(12, 2, scratch);
  return type != nullptr && !is_tag_type(load_be16(type));  // tagged, it ends within its tag
}

bool parse(const FrameView& frame, PortId port, ParseDepth depth, Headers& headers) {
  headers = Headers{};
  headers.port = port;
  if (frame.contiguous() == frame.length()) [[likely]]
    return parse_frame(WholeFrame{frame}, depth, headers);
  return parse_split(frame, depth, headers);
}

}  // namespace bulkhead
