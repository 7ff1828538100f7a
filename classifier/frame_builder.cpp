// SPDX-License-Identifier: Apache-2.0
#include "classifier/frame_builder.hpp"

#include <cstddef>

#include "classifier/parser.hpp"
#include "classifier/protocols.hpp"

namespace bulkhead {
namespace {

using Family = IpAddress::Family;
using Octets = std::vector<uint8_t>;

constexpr size_t kMinimumFrame = 60;
constexpr uint32_t kFragmentHeaderSize = 8;

void append_be16(Octets& out, uint32_t value) {
  out.push_back(static_cast<uint8_t>(value >> 8));
  out.push_back(static_cast<uint8_t>(value));
}

void append_mac(Octets& out, MacAddress address) {
  for (int shift = 40; shift >= 0; shift -= 8) out.push_back(static_cast<uint8_t>(address.bits() >> shift));
}

void append_address(Octets& out, const IpAddress& address) {
  const size_t size = address.family == Family::v4 ? 4 : 16;
  out.insert(out.end(), address.bytes.begin(), address.bytes.begin() + static_cast<ptrdiff_t>(size));
}

void append_link(Octets& out, const Headers& headers) {
  append_mac(out, headers.eth_dst);
  append_mac(out, headers.eth_src);
  if (headers.vlan.is_tagged()) {
    append_be16(out, kEthertypeCustomerTag);
    append_be16(out, static_cast<uint32_t>(headers.pcp << 13 | headers.vlan.number()));
  }
  // A TPID is an ethertype only behind two tags.
  if (is_tag_type(headers.ethertype)) {
    append_be16(out, kEthertypeCustomerTag);
    append_be16(out, 1);
  }
  constexpr uint16_t kEmptyLlc = 0;  // a length field of 802.3
  append_be16(out, headers.ethertype == Headers::kNoEthertype ? kEmptyLlc : headers.ethertype);
}

/// RFC 826, with the addresses left zero: no match field looks at them.
Octets arp_request() {
  Octets out{0, 1, 8, 0, 6, 4, 0, 1};
  out.resize(kArpSize);
  return out;
}

Octets transport(const Headers& headers) {
  Octets out;
  if (headers.l4_src == Headers::kNoL4Port) {
    out.resize(kIcmpHeaderSize);  // enough for any protocol whose header the parser wants complete
    return out;
  }
  append_be16(out, headers.l4_src);
  append_be16(out, headers.l4_dst);
  if (headers.ip_proto == kProtoUdp) {
    append_be16(out, kUdpHeaderSize);
    out.resize(kUdpHeaderSize);
  } else if (headers.ip_proto == kProtoTcp) {
    out.resize(kTcpHeaderSize);
    out[12] = kTcpHeaderSize / 4 << 4;
    out[13] = 0x10;  // ACK
  } else {
    out.resize(kSctpHeaderSize);
  }
  return out;
}

/// RFC 1071.
uint16_t checksum(const uint8_t* bytes, size_t size) {
  uint32_t sum = 0;
  for (size_t i = 0; i + 1 < size; i += 2) sum += load_be16(bytes + i);
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<uint16_t>(~sum);
}

/// The packet must be a later fragment to have this protocol and no ports.
bool is_later_fragment(const Headers& headers) {
  if (headers.l4_src != Headers::kNoL4Port) return false;
  return has_ports(headers.ip_proto) ||
         (headers.ip_src.family == Family::v6 && is_ipv6_extension(static_cast<uint8_t>(headers.ip_proto)));
}

void append_ipv4(Octets& out, const Headers& headers) {
  constexpr uint16_t kSecondEightBytes = 1;  // fragment offset
  const Octets payload = transport(headers);
  const size_t begin = out.size();
  out.push_back(0x45);
  out.push_back(static_cast<uint8_t>(headers.dscp << 2));
  append_be16(out, static_cast<uint32_t>(kIpv4HeaderSize + payload.size()));
  append_be16(out, 1);  // identification
  append_be16(out, is_later_fragment(headers) ? kSecondEightBytes : 0);
  out.push_back(64);
  out.push_back(static_cast<uint8_t>(headers.ip_proto));
  append_be16(out, 0);
  append_address(out, headers.ip_src);
  append_address(out, headers.ip_dst);
  store_be16(&out[begin + 10], checksum(&out[begin], kIpv4HeaderSize));
  out.insert(out.end(), payload.begin(), payload.end());
}

void append_ipv6(Octets& out, const Headers& headers) {
  constexpr uint16_t kSecondEightBytes = 1 << 3;  // fragment offset, above three flag bits
  const Octets payload = transport(headers);
  const bool fragment = is_later_fragment(headers);
  const auto proto = static_cast<uint8_t>(headers.ip_proto);
  append_be16(out, static_cast<uint32_t>(0x6000 | headers.dscp << 6));
  append_be16(out, 0);  // flow label
  append_be16(out, static_cast<uint32_t>(payload.size() + (fragment ? kFragmentHeaderSize : 0)));
  out.push_back(fragment ? kProtoFragment : proto);
  out.push_back(64);
  append_address(out, headers.ip_src);
  append_address(out, headers.ip_dst);
  if (fragment) {
    out.push_back(proto);
    out.push_back(0);
    append_be16(out, kSecondEightBytes);
    append_be16(out, 0);
    append_be16(out, 1);  // identification
  }
  out.insert(out.end(), payload.begin(), payload.end());
}

}  // namespace

std::vector<uint8_t> build_frame(const Headers& headers) {
  Octets out;
  out.reserve(128);
  append_link(out, headers);
  if (headers.ip_src.family == Family::v4) {
    append_ipv4(out, headers);
  } else if (headers.ip_src.family == Family::v6) {
    append_ipv6(out, headers);
  } else if (headers.ethertype == kEthertypeArp) {
    const Octets arp = arp_request();
    out.insert(out.end(), arp.begin(), arp.end());
  }
  if (out.size() < kMinimumFrame) out.resize(kMinimumFrame);
  return out;
}

}  // namespace bulkhead
