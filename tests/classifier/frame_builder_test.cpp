// SPDX-License-Identifier: Apache-2.0
#include "classifier/frame_builder.hpp"

#include <catch2/catch.hpp>

#include "classifier/parser.hpp"
#include "tests/classifier/random_flows.hpp"

using namespace bulkhead;

TEST_CASE("parsing a built frame gives its headers again", "[frame_builder]") {
  test::RandomFlows random{4};
  for (int n = 0; n < 500'000; ++n) {
    const Headers wanted = random.headers();
    const auto frame = build_frame(wanted);
    Headers seen;
    if (!parse(FrameView{frame.data(), static_cast<uint32_t>(frame.size())}, wanted.port, ParseDepth::l4,
               seen) ||
        !(seen == wanted))
      FAIL("frame " << n << " of type " << wanted.ethertype << ", protocol " << wanted.ip_proto);
  }
}

TEST_CASE("a built UDP frame is this, byte for byte", "[frame_builder]") {
  Headers h;
  h.vlan = Vlan{100};
  h.pcp = 5;
  h.eth_dst = MacAddress{0x020000000002};
  h.eth_src = MacAddress{0x020000000001};
  h.ethertype = kEthertypeIpv4;
  h.ip_src = {IpAddress::Family::v4, {10, 1, 0, 1}};
  h.ip_dst = {IpAddress::Family::v4, {10, 2, 0, 1}};
  h.ip_proto = 17;
  h.dscp = 46;
  h.l4_src = 1024;
  h.l4_dst = 53;
  // Header checksum: 45b8+001c+0001+0000+4011+0a01+0001+0a02+0001 = 99eb, complemented.
  const std::vector<uint8_t> expected{0x02, 0,    0,    0,    0,    2,    0x02, 0,    0,  0,
                                      0,    1,    0x81, 0x00, 0xa0, 0x64, 0x08, 0x00,  // Ethernet, tag
                                      0x45, 0xb8, 0,    28,   0,    1,    0,    0,    64, 17,
                                      0x66, 0x14, 10,   1,    0,    1,    10,   2,    0,  1,  // IPv4
                                      0x04, 0x00, 0,    53,   0,    8,    0,    0,            // UDP
                                      0,    0,    0,    0,    0,    0,    0,    0,    0,  0,
                                      0,    0,    0,    0};  // padding
  CHECK(build_frame(h) == expected);
}
