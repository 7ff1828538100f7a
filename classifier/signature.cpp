// SPDX-License-Identifier: Apache-2.0
#include "classifier/signature.hpp"

#include <algorithm>
#include <bit>

#include "classifier/common_frame.hpp"
#include "classifier/piece_checks.hpp"

namespace bulkhead {
namespace {

using Family = IpAddress::Family;

/// Bytes at an offset from the IP header that have a value under a mask; at most the eight of one word.
WordCheck bytes_at(int32_t offset, uint64_t mask, uint64_t value, unsigned size) {
  const unsigned shift = 64 - 8 * size;
  return {.mask = mask << shift, .first = value << shift, .span = 0, .offset = offset};
}

/// What makes a frame a common one of the family and protocol, but for its lengths.
std::vector<WordCheck> common_words(Family family, uint8_t proto) {
  if (family == Family::v4) {
    return {bytes_at(-2, 0xffff, kEthertypeIpv4, 2), bytes_at(0, 0xff, 0x45, 1),
            bytes_at(6, 0x3fff, 0, 2),  // neither a fragment offset nor "more fragments"
            bytes_at(9, 0xff, proto, 1)};
  }
  return {bytes_at(-2, 0xffff, kEthertypeIpv6, 2), bytes_at(0, 0xf0, 0x60, 1), bytes_at(6, 0xff, proto, 1)};
}

/// The eight bytes that load_be64() reads as this number, read in the machine's own order.
uint64_t in_memory(uint64_t big_endian) {
  std::array<uint8_t, 8> bytes;
  store_be32(bytes.data(), static_cast<uint32_t>(big_endian >> 32));
  store_be32(bytes.data() + 4, static_cast<uint32_t>(big_endian));
  return std::bit_cast<uint64_t>(bytes);
}

bool may_be(const Piece& piece, Family family) {
  const auto number = static_cast<uint64_t>(family);
  return piece.box.first[kDimFamily] <= number && number <= piece.box.last[kDimFamily];
}

}  // namespace

Signature::Signature(Family family, uint8_t proto)
    : least_size_((family == Family::v4 ? kIpv4HeaderSize : kIpv6HeaderSize) + kTcpHeaderSize),
      least_ip_size_(least_size_ - kTcpHeaderSize + (proto == kProtoTcp ? kTcpHeaderSize : kUdpHeaderSize)),
      length_offset_(family == Family::v4 ? 2 : 4),
      length_base_(family == Family::v4 ? 0 : kIpv6HeaderSize),
      is_plain_(proto == kProtoUdp),
      is_tcp_(proto == kProtoTcp) {}

bool Signature::set_words(std::vector<WordCheck> checks) {
  size_t count = 0;
  for (const WordCheck& check : joined(std::move(checks))) {
    if (check.span != 0) {
      if (range_.mask != 0) return false;
      range_ = check;
      is_plain_ = false;
      continue;
    }
    if (count == kWords) return false;
    words_[count++] = {
        .mask = in_memory(check.mask), .value = in_memory(check.first), .offset = check.offset};
  }
  return true;
}

std::optional<std::vector<Signature>> Signature::of(const Piece& piece, const PieceChecks& checks,
                                                    uint32_t number, Vlan vlan) {
  const uint64_t proto = piece.box.first[kDimProto];
  if (piece.box.last[kDimProto] != proto || (proto != kProtoTcp && proto != kProtoUdp)) return std::nullopt;
  if (!piece.pcp.is_any()) return std::nullopt;
  const uint32_t ip = vlan.is_tagged() ? kTaggedHeaderSize : kEthernetHeaderSize;
  std::vector<Signature> out;
  for (const Family family : {Family::v4, Family::v6}) {
    if (!may_be(piece, family)) continue;
    std::vector<WordCheck> words = common_words(family, static_cast<uint8_t>(proto));
    for (WordCheck word : checks.ethernet_words(number)) {
      word.offset -= static_cast<int32_t>(ip);
      words.push_back(word);
    }
    const auto of_family = checks.ip_words(number, family);
    if (std::ranges::any_of(of_family, &WordCheck::is_impossible)) continue;
    words.insert(words.end(), of_family.begin(), of_family.end());
    Signature signature{family, static_cast<uint8_t>(proto)};
    if (!signature.set_words(std::move(words))) return std::nullopt;
    out.push_back(signature);
  }
  return out;
}

}  // namespace bulkhead
