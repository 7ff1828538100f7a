// SPDX-License-Identifier: Apache-2.0
#include "classifier/piece_checks.hpp"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "classifier/frame_builder.hpp"
#include "classifier/headers_text.hpp"
#include "tests/classifier/random_flows.hpp"

using namespace bulkhead;

namespace {

struct Checked {
  std::vector<Piece> pieces;
  PieceChecks checks;
};

Checked checked(const Match& match) {
  Checked out;
  append_pieces({match, SliceId{1}, 0, 0}, 0, out.pieces);
  for (const Piece& piece : out.pieces) out.checks.add(piece, match);
  return out;
}

/// Whether one of the pieces has the frame; asked as a point.
bool has(const Checked& checked, const Point& point) {
  for (uint32_t n = 0; n < checked.pieces.size(); ++n)
    if (checked.checks.fits(n, point)) return true;
  return false;
}

bool has(const Checked& checked, const CommonFrame& frame) {
  for (uint32_t n = 0; n < checked.pieces.size(); ++n)
    if (checked.checks.fits(n, frame)) return true;
  return false;
}

std::optional<CommonFrame> common(const std::vector<uint8_t>& frame) {
  FrameTag tag;
  if (!read_tag(frame.data(), tag)) return std::nullopt;
  return CommonFrame::recognise(frame.data(), static_cast<uint32_t>(frame.size()), tag);
}

}  // namespace

TEST_CASE("a point and a common frame are asked the same, and what the match says", "[piece_checks]") {
  test::RandomFlows random{21};
  uint64_t inside = 0;
  uint64_t common_frames = 0;
  for (int round = 0; round < 20'000; ++round) {
    Match match = random.match(3);
    // Ports are not asked for, nor is a single VLAN.
    match.port = Interval<kMaxPorts - 1>::any();
    if (match.vlan.first == match.vlan.last) match.vlan = Interval<Vlan::kCount - 1>::any();
    const Checked pieces = checked(match);
    for (int n = 0; n < 20; ++n) {
      const Headers h = random.headers();
      const bool expected = test::oracle_matches(match, h);
      if (has(pieces, point_of(h)) != expected) FAIL("as a point: " << to_string(h, "p"));
      inside += expected ? 1 : 0;
      const auto bytes = build_frame(h);
      const auto frame = common(bytes);
      if (!frame) continue;
      ++common_frames;
      if (has(pieces, *frame) != expected) FAIL("as a frame: " << to_string(h, "p"));
    }
  }
  CHECK(inside > 10'000);
  CHECK(common_frames > 50'000);
}

TEST_CASE("ranges that are no prefix are asked number by number", "[piece_checks]") {
  Match match;
  match.ip_proto = Interval<Headers::kNoIpProto>::exactly(kProtoUdp);
  match.l4_src = {1000, 65535};
  match.l4_dst = {53, 80};
  const Checked pieces = checked(match);
  Headers h;
  h.ethertype = kEthertypeIpv4;
  h.ip_src.family = h.ip_dst.family = IpAddress::Family::v4;
  h.ip_proto = kProtoUdp;
  h.dscp = 0;
  for (const uint32_t from : {0u, 999u, 1000u, 65535u})
    for (const uint32_t to : {0u, 52u, 53u, 64u, 80u, 81u, 65535u}) {
      h.l4_src = from;
      h.l4_dst = to;
      const auto bytes = build_frame(h);
      const auto frame = common(bytes);
      REQUIRE(frame);
      CHECK(has(pieces, *frame) == (from >= 1000 && to >= 53 && to <= 80));
    }
}
