// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <optional>
#include <vector>

#include "classifier/box.hpp"
#include "classifier/protocols.hpp"
#include "classifier/word_check.hpp"

namespace bulkhead {

class PieceChecks;

/// What a frame looks like that lies in a piece of one protocol, TCP or UDP: a few words to compare, in which
/// it is asked at once whether it is a common frame (see CommonFrame) and whether the piece has it. A frame
/// that does not look so lies outside the piece, or is no common one.
class Signature {
 public:
  /// Of a piece, in frames of one VLAN: one for each version of IP that it can have. Nothing where words
  /// cannot say it. `checks` has the piece as its `number`th.
  static std::optional<std::vector<Signature>> of(const Piece& piece, const PieceChecks& checks,
                                                  uint32_t number, Vlan vlan);

  /// `ip`: what follows the frame's Ethernet header and its one tag, if it has one; `size`: bytes from there
  /// to the frame's end.
  [[nodiscard]] bool is_in(const uint8_t* ip, uint32_t size) const {
    if (size < least_size_) return false;
    uint64_t different = 0;
    for (const Word& word : words_) different |= (load_raw(ip + word.offset) ^ word.value) & word.mask;
    const uint32_t ip_size = load_be16(ip + length_offset_) + length_base_;
    if (different != 0 || ip_size > size || ip_size < least_ip_size_) return false;
    return is_plain_ || (range_.passes(ip) && (!is_tcp_ || has_tcp_header(ip, ip_size)));
  }

 private:
  /// Eight bytes that have a value under a mask, as they stand in memory: what is compared for equality needs
  /// no order.
  struct Word {
    uint64_t mask = 0;
    uint64_t value = 0;
    int64_t offset = 0;
  };
  /// As many as two addresses and two ports need; a loop over fewer would cost more than it saves.
  static constexpr size_t kWords = 4;

  Signature(IpAddress::Family family, uint8_t proto);
  [[nodiscard]] bool set_words(std::vector<WordCheck> checks);

  static uint64_t load_raw(const uint8_t* at) {
    uint64_t raw;
    std::memcpy(&raw, at, sizeof raw);
    return raw;
  }
  [[nodiscard]] bool has_tcp_header(const uint8_t* ip, uint32_t ip_size) const {
    const uint32_t begin = least_ip_size_ - kTcpHeaderSize;
    return is_tcp_header_length(ip[begin + 12], ip_size - begin);
  }

  std::array<Word, kWords> words_{};
  uint32_t least_size_;     // so that all words may be read
  uint32_t least_ip_size_;  // so that the L4 header has room
  uint8_t length_offset_;   // of the length field in the IP header
  uint8_t length_base_;     // and what the field does not count
  bool is_plain_;           // UDP, and no range
  bool is_tcp_;
  WordCheck range_;  // of ports; passes everything where none is asked for
};

}  // namespace bulkhead
