// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "classifier/match.hpp"
#include "control/config_units.hpp"

// The texts that a flowspace's fields are written in. Pure functions on one value each.
namespace bulkhead {

/// "100", "100-199", "untagged" or "any", as Vlan::number()s.
[[nodiscard]] Parsed<Interval<Vlan::kCount - 1>> parse_vlan(std::string_view text);
/// "02:00:00:00:00:00", optionally "/mask" of the same form.
[[nodiscard]] Parsed<MaskedMac> parse_mac(std::string_view text);
/// An IPv4 or IPv6 address, optionally "/length"; the set has no other family's addresses, nor non-IP frames.
[[nodiscard]] Parsed<IpSet> parse_ip(std::string_view text);
/// "ipv4" or another known name, or a number of 0x0600-0xffff.
[[nodiscard]] Parsed<uint32_t> parse_ethertype(std::string_view text);
/// "udp" or another known name, or a number of 0-255.
[[nodiscard]] Parsed<uint32_t> parse_ip_proto(std::string_view text);

// The way back: what the parsers above read to the same value.
[[nodiscard]] std::string format_mac(const MaskedMac& mac);
/// Requires: the set holds a prefix of exactly one family.
[[nodiscard]] std::string format_ip(const IpSet& set);
[[nodiscard]] std::string format_ethertype(uint32_t ethertype);
[[nodiscard]] std::string format_ip_proto(uint32_t protocol);

/// Below, the two bytes are a length (IEEE 802.3-2018, 3.2.6).
inline constexpr uint32_t kLeastEthertype = 0x0600;

}  // namespace bulkhead
