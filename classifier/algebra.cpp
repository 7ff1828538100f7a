// SPDX-License-Identifier: Apache-2.0
#include "classifier/algebra.hpp"

#include <algorithm>
#include <type_traits>

#include "classifier/fields.hpp"
#include "classifier/universe.hpp"

namespace bulkhead {
namespace {

using Family = IpAddress::Family;
using fields::for_each_field;
using fields::of_headers;
using fields::of_match;

/// Field by field, without asking whether a frame can have the combination.
std::optional<Match> product(const Match& a, const Match& b) {
  Match both;
  const bool any = for_each_field(
      [](const auto& x, const auto& y, auto& out) {
        const auto set = fields::intersect(x, y);
        if (set) out = *set;
        return set.has_value();
      },
      of_match(a), of_match(b), of_match(both));
  return any ? std::optional{both} : std::nullopt;
}

bool contains_product(const Match& outer, const Match& inner) {
  return for_each_field([](const auto& x, const auto& y) { return fields::contains(x, y); }, of_match(outer),
                        of_match(inner));
}

// --- A value of a set, as near to the natural one as the set allows. ---

template <uint32_t kLast, class Value>
Value sample(const Interval<kLast>& set, const Value& natural) {
  using Number =
      std::conditional_t<std::is_integral_v<Value>, Value, uint16_t>;  // PortId and Vlan hold 16 bits
  return Value{static_cast<Number>(std::clamp(fields::number(natural), set.first, set.last))};
}

uint8_t sample(const PcpSet& set, uint8_t natural) {
  return set.matches(natural) ? natural : static_cast<uint8_t>(std::countr_zero(set.bits));
}

MacAddress sample(const MaskedMac& set, MacAddress natural) {
  return MacAddress{set.value | (natural.bits() & ~set.mask)};
}

/// The first host: the address behind the network's own, except where RFC 3021 and RFC 6164 leave no room for
/// one.
IpAddress sample(const IpSet& set, const IpAddress& natural) {
  if (natural.family == Family::absent || fields::matches(set, natural)) return natural;
  const bool v4 = natural.family == Family::v4;
  const IpPrefix& prefix = v4 ? *set.v4 : *set.v6;
  IpAddress address{natural.family, prefix.bytes};
  if (prefix.length < (v4 ? 31 : 127)) address.bytes[v4 ? 3 : 15] |= 1;
  return address;
}

/// A frame that sends to itself is not ordinary: moves the destination to the second host, where it matches.
void tell_addresses_apart(const Match& match, Headers& headers) {
  if (headers.ip_src.family == Family::absent || headers.ip_src != headers.ip_dst) return;
  IpAddress second = headers.ip_dst;
  second.bytes[second.family == Family::v4 ? 3 : 15] ^= 3;
  if (fields::matches(match.ip_dst, second)) headers.ip_dst = second;
}

}  // namespace

bool matches(const Match& match, const Headers& headers) {
  return for_each_field([](const auto& set, const auto& value) { return fields::matches(set, value); },
                        of_match(match), of_headers(headers));
}

bool is_empty(const Match& match) {
  return std::ranges::none_of(universe(),
                              [&](const Shape& shape) { return product(match, shape.match).has_value(); });
}

std::optional<Match> intersect(const Match& a, const Match& b) {
  std::optional<Match> both = product(a, b);
  if (both && is_empty(*both)) both.reset();
  return both;
}

bool contains(const Match& outer, const Match& inner) {
  return std::ranges::all_of(universe(), [&](const Shape& shape) {
    const auto part = product(inner, shape.match);
    return !part || contains_product(outer, *part);
  });
}

std::vector<Match> subtract(const Match& from, const Match& what) {
  if (!intersect(from, what)) return is_empty(from) ? std::vector<Match>{} : std::vector{from};
  std::vector<Match> out;
  // What differs from `what` in the first field, then what agrees in the first and differs in the second, ...
  Match rest = from;
  for_each_field(
      [&]<class Set>(Set& field, const Set& other) {
        std::vector<Set> parts;
        fields::subtract(field, other, parts);
        const Set common = *fields::intersect(field, other);
        for (const Set& part : parts) {
          field = part;
          if (!is_empty(rest)) out.push_back(rest);
        }
        field = common;
        return true;
      },
      of_match(rest), of_match(what));
  return out;
}

std::optional<Headers> witness(const Match& match) {
  for (const Shape& shape : universe()) {
    const auto part = product(match, shape.match);
    if (!part) continue;
    Headers headers = shape.natural;
    for_each_field(
        [](const auto& set, auto& value) {
          value = sample(set, value);
          return true;
        },
        of_match(*part), of_headers(headers));
    tell_addresses_apart(*part, headers);
    return headers;
  }
  return std::nullopt;
}

ParseDepth depth_of(const Match& match) {
  if (!match.l4_src.is_any() || !match.l4_dst.is_any()) return ParseDepth::l4;
  const bool ip =
      !match.ip_src.is_any() || !match.ip_dst.is_any() || !match.ip_proto.is_any() || !match.dscp.is_any();
  return ip ? ParseDepth::l3 : ParseDepth::l2;
}

}  // namespace bulkhead
