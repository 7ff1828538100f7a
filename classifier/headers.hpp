// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>

#include "nic/ids.hpp"
#include "nic/wire.hpp"

namespace bulkhead {

/// An IPv4 or IPv6 address as it stands in the header; IPv4 fills the first four bytes, the rest is zero.
struct IpAddress {
  enum class Family : uint8_t { absent, v4, v6 };
  Family family = Family::absent;
  std::array<uint8_t, 16> bytes{};
  auto operator<=>(const IpAddress&) const = default;
};

/// What flowspaces can see of a frame at the port where it arrived: one value per match field. A field that
/// the frame does not have holds the value one past its domain, so that "any" is simply the whole domain.
struct Headers {
  static constexpr uint8_t kNoPcp = 8;          // untagged
  static constexpr uint16_t kNoIpProto = 256;   // not IP
  static constexpr uint8_t kNoDscp = 64;        // not IP
  static constexpr uint32_t kNoL4Port = 65536;  // not TCP, UDP or SCTP, or a fragment other than the first
  static constexpr uint16_t kNoEthertype = 0x05ff;  // IEEE 802.3 length instead of a type, as in OpenFlow 1.0

  PortId port;
  Vlan vlan;             // of the outermost tag
  uint8_t pcp = kNoPcp;  // of the outermost tag
  MacAddress eth_dst;
  MacAddress eth_src;
  uint16_t ethertype = kNoEthertype;  // behind all tags
  IpAddress ip_src;
  IpAddress ip_dst;
  uint16_t ip_proto = kNoIpProto;  // behind all IPv6 extension headers
  uint8_t dscp = kNoDscp;
  uint32_t l4_src = kNoL4Port;
  uint32_t l4_dst = kNoL4Port;

  bool operator==(const Headers&) const = default;
};

}  // namespace bulkhead
