// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

#include "classifier/match.hpp"
#include "classifier/parser.hpp"

/// What every match field can do. Whoever works field by field does it through `for_each_field`, so that a
/// field is added to Match, Headers and the two lists below, and the compiler finds what else it needs.
namespace bulkhead::fields {

/// The fields of a Match, those first that are cheap to compare. A structured binding must name
/// every member, so that one more in Match does not compile until it is listed here.
template <class AnyMatch>
constexpr auto of_match(AnyMatch& match) {
  auto& [port, vlan, pcp, eth_dst, eth_src, ethertype, ip_src, ip_dst, ip_proto, dscp, l4_src, l4_dst] =
      match;
  return std::tie(vlan, port, l4_dst, l4_src, eth_dst, eth_src, ethertype, ip_proto, pcp, dscp, ip_dst,
                  ip_src);
}

/// The fields of Headers, each at the place of the match field that looks at it.
template <class AnyHeaders>
constexpr auto of_headers(AnyHeaders& headers) {
  auto& [port, vlan, pcp, eth_dst, eth_src, ethertype, ip_src, ip_dst, ip_proto, dscp, l4_src, l4_dst] =
      headers;
  return std::tie(vlan, port, l4_dst, l4_src, eth_dst, eth_src, ethertype, ip_proto, pcp, dscp, ip_dst,
                  ip_src);
}

/// Calls `visit(a_field, b_field, ...)` for each place of the tuples, until one returns false. False then.
template <class Visit, class First, class... Rest>
constexpr bool for_each_field(Visit&& visit, First first, Rest... rest) {
  constexpr size_t kCount = std::tuple_size_v<First>;
  static_assert(((std::tuple_size_v<Rest> == kCount) && ...), "a field is missing from one of the lists");
  return [&]<size_t... i>(std::index_sequence<i...>) {
    const auto at = [&]<size_t n>(std::integral_constant<size_t, n>) {
      return visit(std::get<n>(first), std::get<n>(rest)...);
    };
    return (at(std::integral_constant<size_t, i>{}) && ...);
  }(std::make_index_sequence<kCount>{});
}

// --- A field's sets: matches, intersect, meets, contains, subtract. `subtract` appends disjoint parts of a
// without b. ---

constexpr uint32_t number(PortId port) { return port.value(); }
constexpr uint32_t number(Vlan vlan) { return vlan.number(); }
constexpr uint32_t number(uint32_t value) { return value; }

template <uint32_t kLast, class Value>
constexpr bool matches(const Interval<kLast>& set, const Value& value) {
  return set.matches(number(value));
}

template <uint32_t kLast>
constexpr std::optional<Interval<kLast>> intersect(const Interval<kLast>& a, const Interval<kLast>& b) {
  const Interval<kLast> both{std::max(a.first, b.first), std::min(a.last, b.last)};
  if (both.first > both.last) return std::nullopt;
  return both;
}

template <uint32_t kLast>
constexpr bool contains(const Interval<kLast>& outer, const Interval<kLast>& inner) {
  return outer.first <= inner.first && inner.last <= outer.last;
}

template <uint32_t kLast>
void subtract(const Interval<kLast>& a, const Interval<kLast>& b, std::vector<Interval<kLast>>& out) {
  if (a.last < b.first || b.last < a.first) {
    out.push_back(a);
    return;
  }
  if (a.first < b.first) out.push_back({a.first, b.first - 1});
  if (b.last < a.last) out.push_back({b.last + 1, a.last});
}

constexpr bool matches(const PcpSet& set, uint8_t pcp) { return set.matches(pcp); }

constexpr std::optional<PcpSet> intersect(const PcpSet& a, const PcpSet& b) {
  const auto both = static_cast<uint16_t>(a.bits & b.bits);
  if (both == 0) return std::nullopt;
  return PcpSet{both};
}

constexpr bool contains(const PcpSet& outer, const PcpSet& inner) { return (inner.bits & ~outer.bits) == 0; }

inline void subtract(const PcpSet& a, const PcpSet& b, std::vector<PcpSet>& out) {
  const auto left = static_cast<uint16_t>(a.bits & ~b.bits);
  if (left != 0) out.push_back(PcpSet{left});
}

constexpr bool matches(const MaskedMac& set, MacAddress address) { return set.matches(address); }

constexpr std::optional<MaskedMac> intersect(const MaskedMac& a, const MaskedMac& b) {
  if (((a.value ^ b.value) & a.mask & b.mask) != 0) return std::nullopt;
  return MaskedMac{a.value | b.value, a.mask | b.mask};
}

constexpr bool contains(const MaskedMac& outer, const MaskedMac& inner) {
  return (outer.mask & ~inner.mask) == 0 && (inner.value & outer.mask) == outer.value;
}

void subtract(const MaskedMac& a, const MaskedMac& b, std::vector<MaskedMac>& out);

/// Whether two sets have a value in common: what `intersect` says, for less.
template <class Set>
constexpr bool meets(const Set& a, const Set& b) {
  return intersect(a, b).has_value();
}
bool meets(const IpSet& a, const IpSet& b);

bool matches(const IpSet& set, const IpAddress& address);
std::optional<IpSet> intersect(const IpSet& a, const IpSet& b);
bool contains(const IpSet& outer, const IpSet& inner);
void subtract(const IpSet& a, const IpSet& b, std::vector<IpSet>& out);

}  // namespace bulkhead::fields
