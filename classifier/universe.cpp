// SPDX-License-Identifier: Apache-2.0
#include "classifier/universe.hpp"

#include <array>

#include "classifier/protocols.hpp"

namespace bulkhead {
namespace {

using Family = IpAddress::Family;
using Ethertypes = Interval<65535>;

constexpr size_t kShapeCount = 24;

/// Documentation addresses (RFC 5737, RFC 3849).
constexpr IpAddress natural_address(Family family, uint8_t host) {
  IpAddress address;
  address.family = family;
  if (family == Family::v4) address.bytes = {192, 0, 2, host};
  if (family == Family::v6) address.bytes = {0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, host};
  return address;
}

constexpr IpSet all_of(Family family) {
  IpSet set{family == Family::absent, std::nullopt, std::nullopt};
  if (family == Family::v4) set.v4 = IpPrefix{};
  if (family == Family::v6) set.v6 = IpPrefix{};
  return set;
}

class Builder {
 public:
  constexpr std::array<Shape, kShapeCount> build() {
    for (const Family family : {Family::v4, Family::v6}) {
      for (const uint8_t proto : {kProtoUdp, kProtoTcp, kProtoSctp}) {
        for (const bool tagged : {false, true}) add_with_ports(tagged, family, proto);
      }
    }
    for (const Family family : {Family::v4, Family::v6}) {
      for (const bool tagged : {false, true}) add_without_ports(tagged, family);
    }
    // What lies between the ethertypes of IP; a tag type is one only behind two tags.
    for (const Ethertypes types :
         {Ethertypes{0x0801, 0x80ff}, Ethertypes{Headers::kNoEthertype, 0x07ff}, Ethertypes{0x8101, 0x86dc},
          Ethertypes{0x86de, 0x88a7}, Ethertypes{0x88a9, 0xffff}}) {
      add_without_ip(false, types);
    }
    for (const Ethertypes types : {Ethertypes{0x0801, 0x86dc}, Ethertypes{Headers::kNoEthertype, 0x07ff},
                                   Ethertypes{0x86de, 0xffff}}) {
      add_without_ip(true, types);
    }
    return shapes_;
  }

 private:
  constexpr Shape& add(bool tagged) {
    Shape& shape = shapes_[count_++];
    shape.match.vlan = tagged ? Interval<Vlan::kCount - 1>{0, Vlan::kUntagged - 1}
                              : Interval<Vlan::kCount - 1>::exactly(Vlan::kUntagged);
    shape.match.pcp.bits = tagged ? 0x0ff : 0x100;
    shape.natural.vlan = tagged ? Vlan{1} : Vlan::untagged();
    shape.natural.pcp = tagged ? 0 : Headers::kNoPcp;
    shape.natural.eth_src = MacAddress{0x02'00'00'00'00'01};
    shape.natural.eth_dst = MacAddress{0x02'00'00'00'00'02};
    return shape;
  }

  constexpr void add_without_ip(bool tagged, Ethertypes types) {
    Shape& shape = add(tagged);
    shape.match.ethertype = types;
    shape.match.ip_src = shape.match.ip_dst = all_of(Family::absent);
    shape.match.ip_proto = Interval<Headers::kNoIpProto>::exactly(Headers::kNoIpProto);
    shape.match.dscp = Interval<Headers::kNoDscp>::exactly(Headers::kNoDscp);
    shape.match.l4_src = shape.match.l4_dst = Interval<Headers::kNoL4Port>::exactly(Headers::kNoL4Port);
    shape.natural.ethertype = kEthertypeArp;
  }

  constexpr Shape& add_ip(bool tagged, Family family) {
    Shape& shape = add(tagged);
    const uint16_t ethertype = family == Family::v4 ? kEthertypeIpv4 : kEthertypeIpv6;
    shape.match.ethertype = Ethertypes::exactly(ethertype);
    shape.match.ip_src = shape.match.ip_dst = all_of(family);
    shape.match.dscp = {0, Headers::kNoDscp - 1};
    shape.natural.ethertype = ethertype;
    shape.natural.ip_src = natural_address(family, 1);
    shape.natural.ip_dst = natural_address(family, 2);
    shape.natural.dscp = 0;
    return shape;
  }

  /// Any protocol can be without ports: those that have them, and the extension headers of IPv6, in a later
  /// fragment.
  constexpr void add_without_ports(bool tagged, Family family) {
    Shape& shape = add_ip(tagged, family);
    shape.match.ip_proto = {0, Headers::kNoIpProto - 1};
    shape.match.l4_src = shape.match.l4_dst = Interval<Headers::kNoL4Port>::exactly(Headers::kNoL4Port);
    shape.natural.ip_proto = family == Family::v4 ? kProtoIcmp : kProtoIcmpv6;
  }

  constexpr void add_with_ports(bool tagged, Family family, uint8_t proto) {
    Shape& shape = add_ip(tagged, family);
    shape.match.ip_proto = Interval<Headers::kNoIpProto>::exactly(proto);
    shape.match.l4_src = shape.match.l4_dst = {0, Headers::kNoL4Port - 1};
    shape.natural.ip_proto = proto;
    shape.natural.l4_src = 1024;
    shape.natural.l4_dst = 53;
  }

  std::array<Shape, kShapeCount> shapes_{};
  size_t count_ = 0;
};

constexpr std::array<Shape, kShapeCount> kUniverse = Builder{}.build();

}  // namespace

std::span<const Shape> universe() { return kUniverse; }

}  // namespace bulkhead
