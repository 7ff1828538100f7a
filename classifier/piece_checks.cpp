// SPDX-License-Identifier: Apache-2.0
#include "classifier/piece_checks.hpp"

#include <algorithm>
#include <bit>
#include <limits>

namespace bulkhead {
namespace {

using Family = IpAddress::Family;

constexpr uint64_t kAllBits = std::numeric_limits<uint64_t>::max();

bool has_one_vlan(const Match& match) { return match.vlan.first == match.vlan.last; }

}  // namespace

void PieceChecks::add(const Piece& piece, const Match& match) {
  Asked asked{.first_check = static_cast<uint32_t>(checks_.size()),
              .first_word = static_cast<uint32_t>(words_.size()),
              .pcps = match.pcp.bits};
  if (!has_one_vlan(match)) {
    asked.first_vlan = static_cast<uint16_t>(match.vlan.first);
    asked.vlan_span = static_cast<uint16_t>(match.vlan.last - match.vlan.first);
  }
  add_checks(piece, match);
  const auto checks = std::span(checks_).subspan(asked.first_check);
  asked.checks = static_cast<uint8_t>(checks.size());
  asked.ethernet_words = add_words(checks, Family::absent);
  asked.ipv4_words = add_words(checks, Family::v4);
  asked.ipv6_words = add_words(checks, Family::v6);
  asked_.push_back(asked);
}

void PieceChecks::add_checks(const Piece& piece, const Match& match) {
  const auto range = [&](Dimension d, bool any) {
    if (!any) checks_.push_back({kAllBits, piece.box.first[d], piece.box.last[d] - piece.box.first[d], d});
  };
  const auto half = [&](Dimension d) { range(d, piece.box.first[d] == 0 && piece.box.last[d] == kAllBits); };
  const auto masked = [&](Dimension d, const MaskedMac& mac) {
    if (!mac.is_any()) checks_.push_back({mac.mask, mac.value, 0, d});
  };
  if (!match.ip_src.is_any() || !match.ip_dst.is_any()) {
    // Of an address without a family nothing is left to check, and of an IPv4 address no low half.
    const auto family = static_cast<Family>(piece.box.first[kDimFamily]);
    const auto address = [&](Dimension high, Dimension low, const IpSet& set) {
      const auto& prefix = family == Family::v4 ? set.v4 : set.v6;
      if (family == Family::absent || !prefix || prefix->length == 0) return;
      half(high);
      if (family == Family::v6) half(low);
    };
    address(kDimDstHigh, kDimDstLow, match.ip_dst);
    address(kDimSrcHigh, kDimSrcLow, match.ip_src);
    range(kDimFamily, false);
  }
  range(kDimL4Dst, match.l4_dst.is_any());
  range(kDimL4Src, match.l4_src.is_any());
  masked(kDimEthDst, match.eth_dst);
  masked(kDimEthSrc, match.eth_src);
  range(kDimProto, match.ip_proto.is_any());
  range(kDimEthertype, match.ethertype.is_any());
  range(kDimVlan, match.vlan.is_any() || has_one_vlan(match));
  range(kDimDscp, match.dscp.is_any());
  // 1 << pcp shares a bit with the set: the masked value less one does not wrap around.
  if (!match.pcp.is_any()) checks_.push_back({match.pcp.bits, 1, kAllBits - 1, kDimPcp});
}

/// Appends to words_ what the checks ask of common frames: of their Ethernet addresses (Family::absent), or
/// of what is from the IP header on in a frame of a family. Returns how many words that is.
uint8_t PieceChecks::add_words(std::span<const Check> checks, Family family) {
  std::vector<WordCheck> words;
  for (const Check& check : checks) {
    const bool ethernet = check.dimension == kDimEthDst || check.dimension == kDimEthSrc;
    const bool asked_apart = check.dimension == kDimVlan || check.dimension == kDimPcp;
    if (asked_apart || ethernet != (family == Family::absent)) continue;
    if (append_word(check, family, words)) continue;
    words = {WordCheck::impossible()};
    break;
  }
  words = joined(std::move(words));
  words_.insert(words_.end(), words.begin(), words.end());
  return static_cast<uint8_t>(words.size());
}

/// False where no common frame of the family passes the check.
bool PieceChecks::append_word(const Check& check, Family family, std::vector<WordCheck>& words) {
  const CommonFrame::Place place = CommonFrame::place_of(check.dimension, family);
  if (place.mask == 0) return (place.constant & check.mask) - check.first <= check.span;
  // A coordinate that is absent lies one past its domain, and nothing is absent in a common frame.
  if (check.first > place.mask) return false;
  const uint64_t span = std::min(check.span, place.mask - check.first);
  uint64_t mask = check.mask & place.mask;
  const uint64_t size = span + 1;
  const bool prefix = mask == place.mask && std::has_single_bit(size) && check.first % size == 0;
  if (prefix) mask &= ~span;
  if (mask == 0) return true;
  words.push_back({.mask = mask << place.shift,
                   .first = check.first << place.shift,
                   .span = prefix ? 0 : span << place.shift,
                   .offset = static_cast<int32_t>(place.offset)});
  return true;
}

std::span<const WordCheck> PieceChecks::ethernet_words(uint32_t piece) const {
  return std::span(words_).subspan(asked_[piece].first_word, asked_[piece].ethernet_words);
}

std::span<const WordCheck> PieceChecks::ip_words(uint32_t piece, Family family) const {
  const Asked& asked = asked_[piece];
  const uint32_t first = asked.first_word + asked.ethernet_words;
  if (family == Family::v4) return std::span(words_).subspan(first, asked.ipv4_words);
  return std::span(words_).subspan(first + asked.ipv4_words, asked.ipv6_words);
}

}  // namespace bulkhead
