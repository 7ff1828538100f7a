// SPDX-License-Identifier: Apache-2.0
#include "classifier/common_frame.hpp"

#include <catch2/catch.hpp>
#include <random>
#include <string>
#include <vector>

#include "classifier/frame_builder.hpp"
#include "tests/classifier/random_flows.hpp"

using namespace bulkhead;

namespace {

using Octets = std::vector<uint8_t>;

enum class Seen : uint8_t { left_to_the_parser, agrees, disagrees };

/// What the short way makes of a frame, beside what the long one does.
Seen seen(const Octets& frame) {
  const auto length = static_cast<uint32_t>(frame.size());
  FrameTag tag;
  if (length < kTaggedHeaderSize || !read_tag(frame.data(), tag)) return Seen::left_to_the_parser;
  const auto common = CommonFrame::recognise(frame.data(), length, tag);
  if (!common) return Seen::left_to_the_parser;
  Headers headers;
  if (!parse(FrameView{frame.data(), length}, PortId{0}, ParseDepth::l4, headers)) return Seen::disagrees;
  const Point point = point_of(headers);
  for (Dimension d = 0; d < kDimensions; ++d)
    if (d != kDimPort && (*common)[d] != point[d]) return Seen::disagrees;
  return Seen::agrees;
}

Headers udp_over(IpAddress::Family family, Vlan vlan) {
  Headers h;
  h.vlan = vlan;
  if (vlan.is_tagged()) h.pcp = 5;
  h.eth_dst = MacAddress{0x0200'0000'0001};
  h.eth_src = MacAddress{0x0200'0000'0002};
  h.ethertype = family == IpAddress::Family::v4 ? kEthertypeIpv4 : kEthertypeIpv6;
  h.ip_src.family = h.ip_dst.family = family;
  const size_t last = family == IpAddress::Family::v4 ? 3 : 15;
  h.ip_src.bytes[0] = h.ip_dst.bytes[0] = 0x20;
  h.ip_src.bytes[last] = 1;
  h.ip_dst.bytes[last] = 2;
  h.ip_proto = kProtoUdp;
  h.dscp = 46;
  h.l4_src = 1024;
  h.l4_dst = 53;
  return h;
}

/// Where the IP header of a frame of `h` begins.
size_t ip_of(const Headers& h) { return h.vlan.is_tagged() ? kTaggedHeaderSize : kEthernetHeaderSize; }

}  // namespace

TEST_CASE("nearly all traffic is common", "[common_frame]") {
  for (const auto family : {IpAddress::Family::v4, IpAddress::Family::v6})
    for (const Vlan vlan : {Vlan::untagged(), Vlan{0}, Vlan{100}})
      for (const uint8_t proto : {kProtoTcp, kProtoUdp}) {
        Headers h = udp_over(family, vlan);
        h.ip_proto = proto;
        Octets frame = build_frame(h);
        frame.resize(frame.size() + 40);  // behind the IP packet: not looked at
        CHECK(seen(frame) == Seen::agrees);
      }
}

TEST_CASE("whatever is unusual is left to the parser", "[common_frame]") {
  struct Change {
    std::string what;
    size_t at;  // from the IP header
    uint8_t value;
  };
  const std::vector<Change> v4{
      {"options", 0, 0x46},         {"another version", 0, 0x55},    {"more fragments", 6, 0x20},
      {"a later fragment", 7, 1},   {"SCTP", 9, kProtoSctp},         {"ICMP", 9, kProtoIcmp},
      {"more than there is", 2, 1}, {"less than its header", 3, 19}, {"no room for UDP", 3, 27}};
  const std::vector<Change> v6{{"another version", 0, 0x45},
                               {"an extension header", 6, kProtoHopByHop},
                               {"ICMPv6", 6, kProtoIcmpv6},
                               {"more than there is", 4, 1},
                               {"no room for UDP", 5, 7}};
  for (const Vlan vlan : {Vlan::untagged(), Vlan{100}})
    for (const auto family : {IpAddress::Family::v4, IpAddress::Family::v6}) {
      const Headers h = udp_over(family, vlan);
      for (const Change& change : family == IpAddress::Family::v4 ? v4 : v6) {
        INFO(change.what);
        Octets frame = build_frame(h);
        frame.resize(frame.size() + 40);
        CHECK(seen(frame) == Seen::agrees);
        frame[ip_of(h) + change.at] = change.value;
        CHECK(seen(frame) == Seen::left_to_the_parser);
      }
    }
}

TEST_CASE("a TCP header that contradicts the packet is left to the parser", "[common_frame]") {
  Headers h = udp_over(IpAddress::Family::v4, Vlan{100});
  h.ip_proto = kProtoTcp;
  Octets frame = build_frame(h);
  REQUIRE(seen(frame) == Seen::agrees);
  for (const int data_offset : {0, 4, 6, 15}) {
    frame[ip_of(h) + kIpv4HeaderSize + 12] = static_cast<uint8_t>(data_offset << 4);
    CHECK(seen(frame) == Seen::left_to_the_parser);
  }
}

TEST_CASE("a second tag is left to the parser", "[common_frame]") {
  Octets frame = build_frame(udp_over(IpAddress::Family::v4, Vlan{100}));
  const Octets tag{0x81, 0x00, 0x00, 0x07};
  frame.insert(frame.begin() + 16, tag.begin(), tag.end());
  CHECK(seen(frame) == Seen::left_to_the_parser);
}

TEST_CASE("the short way never says what the long one does not", "[common_frame]") {
  test::RandomFlows random{11};
  std::mt19937 engine{12};
  uint64_t agreed = 0;
  for (int round = 0; round < 500'000; ++round) {
    Octets frame = build_frame(random.headers());
    for (auto changes = engine() % 3; changes > 0; --changes)
      frame[12 + engine() % (frame.size() - 12)] = static_cast<uint8_t>(engine());
    if (engine() % 8 == 0) frame.resize(engine() % frame.size());
    frame.shrink_to_fit();  // so that AddressSanitizer sees a step beyond the end
    const Seen what = seen(frame);
    agreed += what == Seen::agrees ? 1 : 0;
    if (what == Seen::disagrees) FAIL("round " << round);
  }
  CHECK(agreed > 50'000);
}
