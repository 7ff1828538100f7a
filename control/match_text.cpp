// SPDX-License-Identifier: Apache-2.0
#include "control/match_text.hpp"

#include "control/config_match_fields.hpp"

namespace bulkhead {
namespace {

void add(std::string& out, std::string_view field, const std::string& value) {
  out += (out.empty() ? "" : ", ") + std::string(field) + " " + value;
}

std::string range_text(uint32_t first, uint32_t last) {
  return first == last ? std::to_string(first) : std::to_string(first) + "-" + std::to_string(last);
}

/// 0-2,5: runs of PCPs as ranges.
std::string pcps_text(PcpSet pcps) {
  std::string out;
  for (uint8_t first = 0; first < Headers::kNoPcp; ++first) {
    if (!pcps.matches(first)) continue;
    uint8_t last = first;
    while (last + 1 < Headers::kNoPcp && pcps.matches(static_cast<uint8_t>(last + 1))) ++last;
    out += (out.empty() ? "" : ",") + range_text(first, last);
    first = last;
  }
  return out;
}

template <uint32_t Last>
void add_range(std::string& out, std::string_view field, const Interval<Last>& interval) {
  if (!interval.is_any()) add(out, field, range_text(interval.first, interval.last));
}

}  // namespace

std::string match_text(const Match& match) {
  std::string out;
  if (match.vlan == Interval<Vlan::kCount - 1>::exactly(Vlan::kUntagged))
    add(out, "vlan", "untagged");
  else
    add_range(out, "vlan", match.vlan);
  if (!match.pcp.is_any()) add(out, "pcp", pcps_text(match.pcp));
  if (!match.eth_src.is_any()) add(out, "eth_src", format_mac(match.eth_src));
  if (!match.eth_dst.is_any()) add(out, "eth_dst", format_mac(match.eth_dst));
  if (!match.ethertype.is_any()) add(out, "ethertype", format_ethertype(match.ethertype.first));
  if (!match.ip_src.is_any()) add(out, "ip_src", format_ip(match.ip_src));
  if (!match.ip_dst.is_any()) add(out, "ip_dst", format_ip(match.ip_dst));
  if (!match.ip_proto.is_any()) add(out, "ip_proto", format_ip_proto(match.ip_proto.first));
  add_range(out, "dscp", match.dscp);
  add_range(out, "l4_src", match.l4_src);
  add_range(out, "l4_dst", match.l4_dst);
  return out.empty() ? "all frames" : out;
}

}  // namespace bulkhead
