// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "classifier/algebra.hpp"
#include "classifier/common_frame.hpp"
#include "classifier/frame_builder.hpp"
#include "classifier/parser.hpp"

using namespace bulkhead;

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

const uint8_t* read_across(const void* bytes, uint32_t offset, uint32_t size, uint8_t* scratch) {
  std::memcpy(scratch, static_cast<const uint8_t*>(bytes) + offset, size);
  return scratch;
}

void check_frame(const std::vector<uint8_t>& bytes, size_t split_at) {
  const auto size = static_cast<uint32_t>(bytes.size());
  const FrameView whole{bytes.data(), size};
  const FrameView split{bytes.data(), static_cast<uint32_t>(split_at), size, bytes.data(), read_across};
  bool shallower = true;
  Headers headers;
  for (const ParseDepth depth : {ParseDepth::l2, ParseDepth::l3, ParseDepth::l4}) {
    Headers from_split;
    const bool good = parse(whole, PortId{1}, depth, headers);
    require(parse(split, PortId{1}, depth, from_split) == good);
    require(!good || headers == from_split);
    require(shallower || !good);  // what is malformed at one depth is so at every deeper one
    shallower = good;
  }
  FrameTag tag;
  FrameTag split_tag;
  const bool tag_good = parse_tag(whole, tag);
  require(parse_tag(split, split_tag) == tag_good);
  require(!shallower || (tag_good && tag.vlan == headers.vlan && tag.pcp == headers.pcp));
  if (const auto common = size >= kTaggedHeaderSize && tag_good
                              ? CommonFrame::recognise(bytes.data(), size, tag)
                              : std::nullopt) {
    require(shallower);
    const Point point = point_of(headers);
    for (Dimension d = 0; d < kDimensions; ++d) require(d == kDimPort || (*common)[d] == point[d]);
  }
  if (!shallower) return;

  // What the parser can say lies in the algebra's universe, and a frame can be built that says the same.
  Match only;
  only.vlan = Interval<Vlan::kCount - 1>::exactly(headers.vlan.number());
  only.ethertype = Interval<65535>::exactly(headers.ethertype);
  only.ip_proto = Interval<Headers::kNoIpProto>::exactly(headers.ip_proto);
  only.dscp = Interval<Headers::kNoDscp>::exactly(headers.dscp);
  only.l4_src = Interval<Headers::kNoL4Port>::exactly(headers.l4_src);
  only.l4_dst = Interval<Headers::kNoL4Port>::exactly(headers.l4_dst);
  require(matches(only, headers));
  require(!is_empty(only));
  const auto rebuilt = build_frame(headers);
  Headers again;
  require(parse(FrameView{rebuilt.data(), static_cast<uint32_t>(rebuilt.size())}, PortId{1}, ParseDepth::l4,
                again));
  require(again == headers);
}

}  // namespace

/// The first byte says where the frame is split, the rest is the frame.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::vector<uint8_t> frame(data + 1, data + size);  // an allocation that ends where the frame does
  check_frame(frame, data[0] % (frame.size() + 1));
  return 0;
}
