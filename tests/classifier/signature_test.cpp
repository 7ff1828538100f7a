// SPDX-License-Identifier: Apache-2.0
#include "classifier/signature.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <random>
#include <vector>

#include "classifier/common_frame.hpp"
#include "classifier/frame_builder.hpp"
#include "classifier/headers_text.hpp"
#include "classifier/piece_checks.hpp"
#include "tests/classifier/random_flows.hpp"

using namespace bulkhead;

namespace {

/// A match's pieces on one VLAN, each with its signatures where it has any.
struct Signed {
  explicit Signed(const Match& match) {
    append_pieces({match, SliceId{1}, 0, 0}, 0, pieces);
    for (uint32_t n = 0; n < pieces.size(); ++n) {
      checks.add(pieces[n], match);
      signatures.push_back(
          Signature::of(pieces[n], checks, n, Vlan{static_cast<uint16_t>(match.vlan.first)}));
    }
  }
  std::vector<Piece> pieces;
  PieceChecks checks;
  std::vector<std::optional<std::vector<Signature>>> signatures;
};

bool is_in(const std::vector<Signature>& signatures, const std::vector<uint8_t>& frame, bool tagged) {
  const uint32_t header = tagged ? kTaggedHeaderSize : kEthernetHeaderSize;
  return std::ranges::any_of(signatures, [&](const Signature& signature) {
    return signature.is_in(frame.data() + header, static_cast<uint32_t>(frame.size()) - header);
  });
}

Match udp_53() {
  Match match;
  match.vlan = Interval<Vlan::kCount - 1>::exactly(100);
  match.ip_proto = Interval<Headers::kNoIpProto>::exactly(kProtoUdp);
  match.l4_dst = Interval<Headers::kNoL4Port>::exactly(53);
  return match;
}

/// How many signatures each piece has; -1 for none at all.
std::vector<int> counts(const Match& match) {
  std::vector<int> out;
  for (const auto& signatures : Signed(match).signatures)
    out.push_back(signatures ? static_cast<int>(signatures->size()) : -1);
  return out;
}

}  // namespace

TEST_CASE("pieces of TCP or UDP have a signature for each version of IP", "[signature]") {
  CHECK(counts(udp_53()) == std::vector<int>{2});
  Match v4 = udp_53();
  v4.ethertype = Interval<65535>::exactly(kEthertypeIpv4);
  CHECK(counts(v4) == std::vector<int>{1});
  Match any = udp_53();
  any.ip_proto = {kProtoTcp, kProtoUdp};
  CHECK(counts(any) == std::vector<int>{-1});
  Match with_pcp = udp_53();
  with_pcp.pcp.bits = 0b11;
  CHECK(counts(with_pcp) == std::vector<int>{-1});
  Match two_ranges = udp_53();
  two_ranges.l4_src = {1000, 2001};
  CHECK(counts(two_ranges) == std::vector<int>{2});
  two_ranges.l4_dst = {1000, 2001};
  CHECK(counts(two_ranges) == std::vector<int>{-1});
}

TEST_CASE("common frames have the signature exactly where they lie in the piece", "[signature]") {
  test::RandomFlows random{41};
  std::mt19937 engine{42};
  uint64_t in = 0;
  uint64_t out = 0;
  for (int round = 0; round < 200'000; ++round) {
    Headers h = random.headers();
    Match match = random.match(3);
    match.vlan = Interval<Vlan::kCount - 1>::exactly(h.vlan.number());
    match.pcp = PcpSet::any();
    match.ip_proto = Interval<Headers::kNoIpProto>::exactly(engine() % 2 == 0 ? kProtoTcp : kProtoUdp);
    const Signed pieces(match);
    std::vector<uint8_t> frame = build_frame(h);
    for (auto changes = engine() % 3; changes > 0; --changes)  // behind the tag
      frame[kTaggedHeaderSize + engine() % (frame.size() - kTaggedHeaderSize)] =
          static_cast<uint8_t>(engine());
    frame.shrink_to_fit();  // so that AddressSanitizer sees a step beyond the end
    FrameTag tag;
    if (!read_tag(frame.data(), tag)) continue;
    const auto common = CommonFrame::recognise(frame.data(), static_cast<uint32_t>(frame.size()), tag);
    for (uint32_t n = 0; n < pieces.pieces.size(); ++n) {
      if (!pieces.signatures[n]) continue;
      const bool has = is_in(*pieces.signatures[n], frame, tag.vlan.is_tagged());
      const bool expected = common && pieces.checks.fits(n, *common);
      (expected ? in : out) += 1;
      if (has != expected) FAIL("round " << round << ": " << to_string(h, "p"));
    }
  }
  CHECK(in > 1'000);
  CHECK(out > 1'000);
}

TEST_CASE("a frame that ends early is read no further than it goes", "[signature]") {
  Match match = udp_53();
  match.ip_proto = Interval<Headers::kNoIpProto>::exactly(kProtoTcp);
  match.eth_src = {0x0200'0000'0001, 0xffff'ffff'ffff};
  const Signed pieces(match);
  REQUIRE(pieces.signatures.at(0));
  test::RandomFlows random{43};
  for (size_t size = kTaggedHeaderSize; size < 120; ++size) {
    std::vector<uint8_t> frame(size);
    for (uint8_t& byte : frame) byte = static_cast<uint8_t>(random.below(256));
    frame.shrink_to_fit();
    CHECK_FALSE(is_in(*pieces.signatures[0], frame, true));
  }
}
