// SPDX-License-Identifier: Apache-2.0
#include "tests/classifier/random_flows.hpp"

#include <algorithm>
#include <array>

namespace bulkhead::test {
namespace {

using Family = IpAddress::Family;

bool in_prefix(const std::optional<IpPrefix>& prefix, const IpAddress& address) {
  if (!prefix) return false;
  for (unsigned bit = 0; bit < prefix->length; ++bit) {
    const int difference = prefix->bytes[bit / 8] ^ address.bytes[bit / 8];
    if ((difference & (0x80 >> (bit % 8))) != 0) return false;
  }
  return true;
}

bool in_set(const IpSet& set, const IpAddress& address) {
  switch (address.family) {
    case Family::absent:
      return set.absent;
    case Family::v4:
      return in_prefix(set.v4, address);
    default:
      return in_prefix(set.v6, address);
  }
}

template <uint32_t kLast>
bool inside(const Interval<kLast>& interval, uint32_t value) {
  return value >= interval.first && value <= interval.last;
}

bool mac_fits(const MaskedMac& set, MacAddress address) {
  for (int bit = 0; bit < 48; ++bit) {
    const uint64_t one = uint64_t{1} << bit;
    if ((set.mask & one) != 0 && (set.value & one) != (address.bits() & one)) return false;
  }
  return true;
}

}  // namespace

bool oracle_matches(const Match& m, const Headers& h) {
  return inside(m.port, h.port.value()) && inside(m.vlan, h.vlan.number()) &&
         ((1 << h.pcp) & m.pcp.bits) != 0 && mac_fits(m.eth_dst, h.eth_dst) &&
         mac_fits(m.eth_src, h.eth_src) && inside(m.ethertype, h.ethertype) && in_set(m.ip_src, h.ip_src) &&
         in_set(m.ip_dst, h.ip_dst) && inside(m.ip_proto, h.ip_proto) && inside(m.dscp, h.dscp) &&
         inside(m.l4_src, h.l4_src) && inside(m.l4_dst, h.l4_dst);
}

uint16_t RandomFlows::vlan_number() {
  constexpr std::array<uint16_t, 7> kNumbers{0, 1, 100, 101, 199, 4094, Vlan::kUntagged};
  return kNumbers[below(kNumbers.size())];
}

uint16_t RandomFlows::ethertype() {
  constexpr std::array<uint16_t, 14> kTypes{
      0x0600, 0x07ff, 0x0800, 0x0801, 0x0806, 0x8100, 0x8101,
      0x86dc, 0x86dd, 0x86de, 0x88a8, 0x88cc, 0xffff, Headers::kNoEthertype};
  return kTypes[below(kTypes.size())];
}

uint64_t RandomFlows::mac_bits() {
  // A few bits at both ends, so that masks with holes tell addresses apart.
  const uint64_t high = below(8);
  return high << 41 | below(2) << 20 | below(8);
}

MaskedMac RandomFlows::masked_mac() {
  constexpr uint64_t kAll = 0xffff'ffff'ffff;
  const std::array<uint64_t, 6> masks{
      kAll, kAll << 24 & kAll, uint64_t{7} << 41, kAll & ~uint64_t{2}, uint64_t{5}, uint64_t{1} << 20 | 1};
  const uint64_t mask = masks[below(masks.size())];
  return {mac_bits() & mask, mask};
}

IpAddress RandomFlows::address(Family family) {
  IpAddress out;
  out.family = family;
  if (family == Family::v4) {
    out.bytes = {10, static_cast<uint8_t>(below(4)), static_cast<uint8_t>(below(2) * 255),
                 static_cast<uint8_t>(below(4))};
  } else if (family == Family::v6) {
    out.bytes = {0x20, 0x01, static_cast<uint8_t>(below(4))};
    out.bytes[7] = static_cast<uint8_t>(below(2));
    out.bytes[8] = static_cast<uint8_t>(below(2) * 128);
    out.bytes[15] = static_cast<uint8_t>(below(4));
  }
  return out;
}

IpSet RandomFlows::ip_set() {
  const auto prefix = [&](Family family) {
    constexpr std::array<uint8_t, 7> kLengths4{0, 8, 14, 16, 23, 31, 32};
    constexpr std::array<uint8_t, 8> kLengths6{0, 16, 22, 24, 63, 65, 127, 128};
    IpPrefix out{address(family).bytes, family == Family::v4 ? kLengths4[below(7)] : kLengths6[below(8)]};
    for (unsigned bit = out.length; bit < 128; ++bit)
      out.bytes[bit / 8] &= static_cast<uint8_t>(~(0x80 >> bit % 8));
    return out;
  };
  switch (below(6)) {
    case 0:
      return {true, std::nullopt, std::nullopt};
    case 1:
      return {one_in(2), prefix(Family::v4), prefix(Family::v6)};
    case 2:
    case 3:
      return {false, std::nullopt, prefix(Family::v6)};
    default:
      return {false, prefix(Family::v4), std::nullopt};
  }
}

uint16_t RandomFlows::proto() {
  constexpr std::array<uint16_t, 10> kProtos{0, 1, 6, 17, 44, 47, 58, 132, 133, 255};
  return kProtos[below(kProtos.size())];
}

uint32_t RandomFlows::l4_port() {
  constexpr std::array<uint16_t, 8> kPorts{0, 1, 53, 1023, 1024, 1025, 65534, 65535};
  return kPorts[below(kPorts.size())];
}

Match RandomFlows::match(uint32_t sparsity) {
  Match m;
  const auto absent_or = [&](uint32_t value, uint32_t absent) { return one_in(8) ? absent : value; };
  if (one_in(sparsity)) m.port = interval<kMaxPorts - 1>(below(3), below(3));
  if (one_in(sparsity)) m.vlan = interval<Vlan::kCount - 1>(vlan_number(), vlan_number());
  if (one_in(sparsity)) m.vlan = Interval<Vlan::kCount - 1>::exactly(vlan_number());
  if (one_in(sparsity)) m.pcp.bits = static_cast<uint16_t>(1 + below(0x1ff));
  if (one_in(sparsity)) m.eth_dst = masked_mac();
  if (one_in(sparsity)) m.eth_src = masked_mac();
  if (one_in(sparsity)) m.ethertype = interval<65535>(ethertype(), ethertype());
  if (one_in(sparsity)) m.ethertype = Interval<65535>::exactly(ethertype());
  if (one_in(sparsity)) m.ip_src = ip_set();
  if (one_in(sparsity)) m.ip_dst = ip_set();
  if (one_in(sparsity))
    m.ip_proto = interval<Headers::kNoIpProto>(proto(), absent_or(proto(), Headers::kNoIpProto));
  if (one_in(sparsity)) m.ip_proto = Interval<Headers::kNoIpProto>::exactly(one_in(2) ? 6 : 17);
  if (one_in(sparsity))
    m.dscp = interval<Headers::kNoDscp>(below(4) * 21, absent_or(below(4) * 21, Headers::kNoDscp));
  if (one_in(sparsity))
    m.l4_src = interval<Headers::kNoL4Port>(l4_port(), absent_or(l4_port(), Headers::kNoL4Port));
  if (one_in(sparsity))
    m.l4_dst = interval<Headers::kNoL4Port>(l4_port(), absent_or(l4_port(), Headers::kNoL4Port));
  return m;
}

Headers RandomFlows::headers() {
  Headers h;
  h.port = PortId{static_cast<uint16_t>(below(3))};
  h.vlan = Vlan{vlan_number()};
  if (h.vlan.is_tagged()) h.pcp = static_cast<uint8_t>(below(8));
  h.eth_dst = MacAddress{mac_bits()};
  h.eth_src = MacAddress{mac_bits()};
  const uint32_t kind = below(4);
  if (kind == 0) {
    do {
      h.ethertype = ethertype();
    } while (h.ethertype == 0x0800 || h.ethertype == 0x86dd ||
             (!h.vlan.is_tagged() && (h.ethertype == 0x8100 || h.ethertype == 0x88a8)));
    return h;
  }
  const Family family = kind == 3 ? Family::v6 : Family::v4;
  h.ethertype = family == Family::v4 ? 0x0800 : 0x86dd;
  h.ip_src = address(family);
  h.ip_dst = address(family);
  h.ip_proto = one_in(3) ? proto() : static_cast<uint16_t>(one_in(2) ? 6 : 17);
  h.dscp = static_cast<uint8_t>(below(4) * 21);
  const bool fragment = one_in(8);
  if ((h.ip_proto == 6 || h.ip_proto == 17 || h.ip_proto == 132) && !fragment) {
    h.l4_src = l4_port();
    h.l4_dst = l4_port();
  }
  return h;
}

}  // namespace bulkhead::test
