// SPDX-License-Identifier: Apache-2.0
#include "classifier/fields.hpp"

namespace bulkhead::fields {
namespace {

using Family = IpAddress::Family;
using OptionalPrefix = std::optional<IpPrefix>;

bool bit_at(const std::array<uint8_t, 16>& bytes, unsigned n) {
  return (bytes[n / 8] >> (7 - n % 8) & 1) != 0;
}

/// The first `length` bits agree.
bool agree(const std::array<uint8_t, 16>& a, const std::array<uint8_t, 16>& b, unsigned length) {
  const unsigned whole = length / 8;
  if (!std::equal(a.begin(), a.begin() + whole, b.begin())) return false;
  return length % 8 == 0 || (a[whole] ^ b[whole]) >> (8 - length % 8) == 0;
}

bool contains(const IpPrefix& outer, const IpPrefix& inner) {
  return outer.length <= inner.length && agree(outer.bytes, inner.bytes, outer.length);
}

/// Prefixes nest or are disjoint.
OptionalPrefix intersect(const OptionalPrefix& a, const OptionalPrefix& b) {
  if (!a || !b) return std::nullopt;
  if (contains(*a, *b)) return b;
  if (contains(*b, *a)) return a;
  return std::nullopt;
}

bool meets(const OptionalPrefix& a, const OptionalPrefix& b) {
  return a && b && agree(a->bytes, b->bytes, std::min(a->length, b->length));
}

bool contains(const OptionalPrefix& outer, const OptionalPrefix& inner) {
  return !inner || (outer && contains(*outer, *inner));
}

/// The siblings on the way from a down to b.
std::vector<IpPrefix> difference(const OptionalPrefix& a, const OptionalPrefix& b) {
  if (!a || (b && contains(*b, *a))) return {};
  if (!b || !contains(*a, *b)) return {*a};
  std::vector<IpPrefix> out;
  for (unsigned n = a->length; n < b->length; ++n) {
    IpPrefix sibling = *b;
    sibling.length = static_cast<uint8_t>(n + 1);
    sibling.bytes[n / 8] ^= static_cast<uint8_t>(0x80 >> n % 8);
    for (unsigned clear = n + 1; clear < b->length; ++clear) {
      if (bit_at(sibling.bytes, clear)) sibling.bytes[clear / 8] ^= static_cast<uint8_t>(0x80 >> clear % 8);
    }
    out.push_back(sibling);
  }
  return out;
}

}  // namespace

void subtract(const MaskedMac& a, const MaskedMac& b, std::vector<MaskedMac>& out) {
  if (!intersect(a, b)) {
    out.push_back(a);
    return;
  }
  MaskedMac rest = a;
  for (uint64_t bits = b.mask & ~a.mask; bits != 0; bits &= bits - 1) {
    const uint64_t bit = bits & -bits;
    out.push_back({rest.value | (~b.value & bit), rest.mask | bit});
    rest = {rest.value | (b.value & bit), rest.mask | bit};
  }
}

bool matches(const IpSet& set, const IpAddress& address) {
  if (address.family == Family::absent) return set.absent;
  const OptionalPrefix& prefix = address.family == Family::v4 ? set.v4 : set.v6;
  return prefix && agree(prefix->bytes, address.bytes, prefix->length);
}

std::optional<IpSet> intersect(const IpSet& a, const IpSet& b) {
  const IpSet both{a.absent && b.absent, intersect(a.v4, b.v4), intersect(a.v6, b.v6)};
  if (!both.absent && !both.v4 && !both.v6) return std::nullopt;
  return both;
}

bool meets(const IpSet& a, const IpSet& b) {
  return (a.absent && b.absent) || meets(a.v4, b.v4) || meets(a.v6, b.v6);
}

bool contains(const IpSet& outer, const IpSet& inner) {
  return (outer.absent || !inner.absent) && contains(outer.v4, inner.v4) && contains(outer.v6, inner.v6);
}

void subtract(const IpSet& a, const IpSet& b, std::vector<IpSet>& out) {
  if (a.absent && !b.absent) out.push_back({true, std::nullopt, std::nullopt});
  for (const IpPrefix& prefix : difference(a.v4, b.v4)) out.push_back({false, prefix, std::nullopt});
  for (const IpPrefix& prefix : difference(a.v6, b.v6)) out.push_back({false, std::nullopt, prefix});
}

}  // namespace bulkhead::fields
