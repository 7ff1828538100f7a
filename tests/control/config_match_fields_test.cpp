// SPDX-License-Identifier: Apache-2.0
#include "control/config_match_fields.hpp"

#include <catch2/catch.hpp>

namespace bulkhead {
namespace {

/// What a text is read to, written again; or that it is refused.
template <class Parse, class Format>
std::string again(std::string_view text, Parse parse, Format format) {
  const auto value = parse(text);
  return value ? format(*value) : "refused";
}

TEST_CASE("VLANs are read as intervals", "[config_match_fields]") {
  const auto bounds = [](std::string_view text) {
    const auto value = parse_vlan(text);
    return value ? std::to_string(value->first) + "-" + std::to_string(value->last) : "refused";
  };
  CHECK(bounds("100") == "100-100");
  CHECK(bounds("0") == "0-0");
  CHECK(bounds("100-199") == "100-199");
  CHECK(bounds("untagged") != bounds("any"));
  for (const char* text : {"4095", "200-100", "", "-1", "1-", "tagged"}) CHECK(bounds(text) == "refused");
}

TEST_CASE("what is read is written again as the same", "[config_match_fields]") {
  for (const char* text : {"02:00:00:00:00:0a", "02:00:00:00:00:00/ff:ff:00:00:00:00"})
    CHECK(again(text, parse_mac, format_mac) == text);
  for (const char* text : {"10.1.0.0/16", "10.1.2.3/32", "2001:db8::/32", "2001:db8::1/128"})
    CHECK(again(text, parse_ip, format_ip) == text);
  for (const char* text : {"ipv4", "arp", "0x88cd"})
    CHECK(again(text, parse_ethertype, format_ethertype) == text);
  for (const char* text : {"udp", "tcp", "253"}) CHECK(again(text, parse_ip_proto, format_ip_proto) == text);
}

TEST_CASE("what is none of a field's values is refused", "[config_match_fields]") {
  for (const char* text :
       {"", "02:00:00:00:00", "02:00:00:00:00:0g", "02-00-00-00-00-0a", "02:00:00:00:00:0a/"})
    CHECK(again(text, parse_mac, format_mac) == "refused");
  for (const char* text : {"", "10.1.0.0/33", "2001:db8::/129", "10.1", "10.1.0.0/", "host"})
    CHECK(again(text, parse_ip, format_ip) == "refused");
  // Below 0x0600 the two bytes are a length.
  for (const char* text : {"", "0x05ff", "0x10000", "ipx"})
    CHECK(again(text, parse_ethertype, format_ethertype) == "refused");
  for (const char* text : {"", "256", "quic"})
    CHECK(again(text, parse_ip_proto, format_ip_proto) == "refused");
}

}  // namespace
}  // namespace bulkhead
