// SPDX-License-Identifier: Apache-2.0
#include "control/config_match_fields.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "control/config_faults.hpp"

namespace bulkhead {
namespace {

using NamedNumber = std::pair<std::string_view, uint32_t>;

// The registry's names (IEEE "EtherType" and its standards), of what an operator separates.
constexpr NamedNumber kEthertypes[] = {
    {"ipv4", kEthertypeIpv4}, {"ipv6", kEthertypeIpv6}, {"arp", kEthertypeArp}, {"rarp", 0x8035},
    {"mpls", 0x8847},         {"pppoe", 0x8864},        {"eapol", 0x888e},      {"lacp", 0x8809},
    {"lldp", 0x88cc},         {"macsec", 0x88e5},       {"ptp", 0x88f7},
};
// IANA "Protocol Numbers".
constexpr NamedNumber kIpProtocols[] = {
    {"tcp", 6},  {"udp", 17}, {"sctp", 132}, {"icmp", 1},  {"icmpv6", 58}, {"igmp", 2},
    {"gre", 47}, {"esp", 50}, {"ah", 51},    {"ospf", 89}, {"vrrp", 112},
};

constexpr uint64_t kAllMacBits = 0xffff'ffff'ffff;

std::unexpected<std::string> wrong(std::string what) { return std::unexpected(std::move(what)); }

/// One of `names`, or a number up to `most`.
template <std::size_t N>
Parsed<uint32_t> named_number(std::string_view text, const NamedNumber (&names)[N], uint32_t most) {
  const auto found = std::ranges::find(names, text, &NamedNumber::first);
  if (found != std::end(names)) return found->second;
  if (const auto number = parse_number(text, most)) return *number;
  std::vector<std::string_view> words;
  for (const auto& [name, number] : names) words.push_back(name);
  return wrong("is neither a known name nor a number up to " + std::to_string(most) +
               suggestion(text, words));
}

std::optional<uint64_t> mac_bits(std::string_view text) {
  if (text.size() != 17) return {};
  uint64_t bits = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (i % 3 == 2) {
      if (text[i] != ':') return {};
      continue;
    }
    const auto digit = parse_number("0x" + std::string(1, text[i]), 15);
    if (!digit) return {};
    bits = bits << 4 | *digit;
  }
  return bits;
}

std::string mac_text(uint64_t bits) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  for (int shift = 44; shift >= 0; shift -= 4) {
    out += kDigits[bits >> shift & 15];
    if (shift % 8 == 0 && shift > 0) out += ':';
  }
  return out;
}

/// Clears what is behind the prefix; whether anything was there.
bool clear_behind_prefix(IpPrefix& prefix) {
  bool cleared = false;
  for (std::size_t bit = prefix.length; bit < 128; ++bit) {
    const auto mask = static_cast<uint8_t>(0x80 >> bit % 8);
    cleared |= (prefix.bytes[bit / 8] & mask) != 0;
    prefix.bytes[bit / 8] &= static_cast<uint8_t>(~mask);
  }
  return cleared;
}

std::string format_prefix(int family, const IpPrefix& prefix) {
  char text[INET6_ADDRSTRLEN] = "";
  inet_ntop(family, prefix.bytes.data(), text, sizeof text);
  return std::string(text) + "/" + std::to_string(prefix.length);
}

}  // namespace

Parsed<Interval<Vlan::kCount - 1>> parse_vlan(std::string_view text) {
  using VlanInterval = Interval<Vlan::kCount - 1>;
  if (text == "any") return VlanInterval::any();
  if (text == "untagged") return VlanInterval::exactly(Vlan::kUntagged);
  const auto range = parse_range(text, Vlan::kUntagged - 1);
  if (!range && (text.empty() || text.front() < '0' || text.front() > '9'))
    return wrong("is not a VLAN; write one of 0-4094, a range such as \"100-199\", \"untagged\" or \"any\"");
  if (!range) return wrong(range.error());
  return VlanInterval{range->first, range->second};
}

Parsed<MaskedMac> parse_mac(std::string_view text) {
  const std::size_t slash = text.find('/');
  const auto value = mac_bits(text.substr(0, slash));
  const auto mask = slash == text.npos ? kAllMacBits : mac_bits(text.substr(slash + 1));
  if (!value || !mask)
    return wrong(
        "is not a MAC address; write it as 02:00:00:00:00:01, optionally with a mask such as "
        "/ff:ff:00:00:00:00 behind");
  if ((*value & ~*mask) != 0)
    return wrong("has bits outside its mask; write " + mac_text(*value & *mask) + "/" + mac_text(*mask));
  return MaskedMac{*value, *mask};
}

Parsed<IpSet> parse_ip(std::string_view text) {
  const std::size_t slash = text.find('/');
  const std::string address(text.substr(0, slash));
  IpPrefix prefix;
  const bool v4 = inet_pton(AF_INET, address.c_str(), prefix.bytes.data()) == 1;
  // inet_pton stops at a NUL within the text; c_str() would hide what follows.
  const bool has_nul = address.find('\0') != std::string::npos;
  if (has_nul || (!v4 && inet_pton(AF_INET6, address.c_str(), prefix.bytes.data()) != 1))
    return wrong("is not an IP prefix; write one such as 10.1.0.0/16 or 2001:db8::/32");
  const uint32_t longest = v4 ? 32 : 128;
  const auto length = slash == text.npos ? longest : parse_number(text.substr(slash + 1), longest);
  if (!length) return wrong("has a prefix length that " + length.error());
  prefix.length = static_cast<uint8_t>(*length);
  if (clear_behind_prefix(prefix))
    return wrong("has bits behind its prefix; write " + format_prefix(v4 ? AF_INET : AF_INET6, prefix));
  if (v4) return IpSet{.absent = false, .v4 = prefix, .v6 = std::nullopt};
  return IpSet{.absent = false, .v4 = std::nullopt, .v6 = prefix};
}

Parsed<uint32_t> parse_ethertype(std::string_view text) {
  const auto type = named_number(text, kEthertypes, 0xffff);
  if (type && *type < kLeastEthertype)
    return wrong("is a length, not an ethertype; write a number of 0x0600 to 0xffff");
  return type;
}

Parsed<uint32_t> parse_ip_proto(std::string_view text) { return named_number(text, kIpProtocols, 255); }

std::string format_mac(const MaskedMac& mac) {
  const std::string address = mac_text(mac.value);
  return mac.mask == kAllMacBits ? address : address + "/" + mac_text(mac.mask);
}

std::string format_ip(const IpSet& set) {
  return set.v4 ? format_prefix(AF_INET, *set.v4) : format_prefix(AF_INET6, *set.v6);
}

std::string format_ethertype(uint32_t ethertype) {
  const auto named = std::ranges::find(kEthertypes, ethertype, &NamedNumber::second);
  if (named != std::end(kEthertypes)) return std::string(named->first);
  char text[8] = "";
  const auto [end, failure] = std::to_chars(std::begin(text), std::end(text), ethertype, 16);
  return "0x" + std::string(text, end);
}

std::string format_ip_proto(uint32_t protocol) {
  const auto named = std::ranges::find(kIpProtocols, protocol, &NamedNumber::second);
  return named != std::end(kIpProtocols) ? std::string(named->first) : std::to_string(protocol);
}

}  // namespace bulkhead
