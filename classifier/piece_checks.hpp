// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "classifier/box.hpp"
#include "classifier/common_frame.hpp"
#include "classifier/word_check.hpp"

namespace bulkhead {

/// What is asked of a frame to know whether it lies in a piece, in two forms that say the same: coordinate
/// by coordinate for any point, and for a common frame in words of its bytes, in which fields that stand
/// beside each other are compared at once. Immutable once built; `fits` may be called from any thread.
///
/// Neither asks for the port, nor for the VLAN of a piece that has just one: the table's cells have done so.
class PieceChecks {
 public:
  /// Appends the checks of a piece of `match`. Pieces are numbered in the order in which they come.
  void add(const Piece& piece, const Match& match);

  [[nodiscard]] bool fits(uint32_t piece, const Point& point) const;
  [[nodiscard]] bool fits(uint32_t piece, const CommonFrame& frame) const;

  /// What `fits` asks of the bytes of a common frame: offsets from the frame's start, and from its IP header.
  [[nodiscard]] std::span<const WordCheck> ethernet_words(uint32_t piece) const;
  [[nodiscard]] std::span<const WordCheck> ip_words(uint32_t piece, IpAddress::Family family) const;

 private:
  /// (coordinate & mask) lies in [first, first + span].
  struct Check {
    uint64_t mask;
    uint64_t first;
    uint64_t span;
    Dimension dimension;
  };
  struct Asked {
    uint32_t first_check = 0;
    uint32_t first_word = 0;
    uint8_t checks = 0;
    // Words stand in this order: addresses in the Ethernet header, those of IPv4 frames, those of IPv6
    // frames.
    uint8_t ethernet_words = 0;
    uint8_t ipv4_words = 0;
    uint8_t ipv6_words = 0;
    uint16_t first_vlan = 0;
    uint16_t vlan_span = Vlan::kCount - 1;
    uint16_t pcps = PcpSet::any().bits;
  };

  void add_checks(const Piece& piece, const Match& match);
  static bool append_word(const Check& check, IpAddress::Family family, std::vector<WordCheck>& words);
  uint8_t add_words(std::span<const Check> checks, IpAddress::Family family);

  std::vector<Asked> asked_;
  std::vector<Check> checks_;
  std::vector<WordCheck> words_;
};

inline bool PieceChecks::fits(uint32_t piece, const Point& point) const {
  const Asked& asked = asked_[piece];
  const Check* check = checks_.data() + asked.first_check;
  for (const Check* const end = check + asked.checks; check != end; ++check)
    if ((point[check->dimension] & check->mask) - check->first > check->span) return false;
  return true;
}

inline bool PieceChecks::fits(uint32_t piece, const CommonFrame& frame) const {
  const Asked& asked = asked_[piece];
  if ((asked.pcps >> frame.tag().pcp & 1) == 0) return false;
  if (static_cast<uint16_t>(frame.tag().vlan.number() - asked.first_vlan) > asked.vlan_span) return false;
  const WordCheck* word = words_.data() + asked.first_word;
  for (const WordCheck* const end = word + asked.ethernet_words; word != end; ++word)
    if (!word->passes(frame.bytes())) return false;
  if (!frame.is_ipv4()) word += asked.ipv4_words;
  const uint32_t count = frame.is_ipv4() ? asked.ipv4_words : asked.ipv6_words;
  for (const WordCheck* const end = word + count; word != end; ++word)
    if (!word->passes(frame.ip())) return false;
  return true;
}

}  // namespace bulkhead
