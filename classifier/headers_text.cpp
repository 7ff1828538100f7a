// SPDX-License-Identifier: Apache-2.0
#include "classifier/headers_text.hpp"

#include <arpa/inet.h>

#include <array>
#include <cstdio>

#include "classifier/protocols.hpp"
#include "classifier/universe.hpp"

namespace bulkhead {
namespace {

using Family = IpAddress::Family;

std::string hex(uint16_t value) {
  std::array<char, 8> text{};
  std::snprintf(text.data(), text.size(), "0x%04x", value);
  return text.data();
}

std::string to_text(MacAddress address) {
  std::string out;
  for (int shift = 40; shift >= 0; shift -= 8) {
    std::array<char, 4> octet{};
    std::snprintf(octet.data(), octet.size(), "%02x", static_cast<unsigned>(address.bits() >> shift & 0xff));
    out += (out.empty() ? "" : ":");
    out += octet.data();
  }
  return out;
}

std::string to_text(const IpAddress& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  inet_ntop(address.family == Family::v4 ? AF_INET : AF_INET6, address.bytes.data(), text.data(),
            text.size());
  return text.data();
}

std::string proto_text(uint16_t proto) {
  switch (proto) {
    case kProtoIcmp:
      return "icmp";
    case kProtoTcp:
      return "tcp";
    case kProtoUdp:
      return "udp";
    case kProtoIcmpv6:
      return "icmpv6";
    case kProtoSctp:
      return "sctp";
    default:
      return "proto " + std::to_string(proto);
  }
}

std::string ethertype_text(uint16_t ethertype) {
  if (ethertype == kEthertypeArp) return "arp";
  return ethertype == Headers::kNoEthertype ? "802.3" : "ethertype " + hex(ethertype);
}

std::string link_text(const Headers& headers) {
  const Headers& natural = universe().front().natural;
  std::string out = headers.vlan.is_tagged() ? ", vlan " + std::to_string(headers.vlan.number())
                                             : std::string(", untagged");
  if (headers.vlan.is_tagged() && headers.pcp != 0) out += ", pcp " + std::to_string(headers.pcp);
  if (headers.eth_src != natural.eth_src || headers.eth_dst != natural.eth_dst) {
    out += ", eth " + to_text(headers.eth_src) + " > " + to_text(headers.eth_dst);
  }
  return out;
}

std::string ip_text(const Headers& headers) {
  const bool v4 = headers.ip_src.family == Family::v4;
  std::string out = v4 ? ", ipv4 " : ", ipv6 ";
  out += to_text(headers.ip_src) + " > " + to_text(headers.ip_dst) + ", " + proto_text(headers.ip_proto);
  if (headers.l4_src != Headers::kNoL4Port) {
    out += " " + std::to_string(headers.l4_src) + " > " + std::to_string(headers.l4_dst);
  } else if (has_ports(headers.ip_proto)) {
    out += " later fragment";
  }
  if (headers.dscp != 0) out += ", dscp " + std::to_string(headers.dscp);
  return out;
}

}  // namespace

std::string to_string(const Headers& headers, std::string_view port_name) {
  std::string out = "port " + std::string(port_name) + link_text(headers);
  if (headers.ip_src.family != Family::absent) return out + ip_text(headers);
  return out + ", " + ethertype_text(headers.ethertype);
}

}  // namespace bulkhead
