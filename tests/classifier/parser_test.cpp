// SPDX-License-Identifier: Apache-2.0
#include "classifier/parser.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstring>
#include <random>
#include <string>
#include <vector>

using namespace bulkhead;

namespace {

using Octets = std::vector<uint8_t>;
using Family = IpAddress::Family;

Octets operator+(Octets a, const Octets& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

Octets be16(size_t value) { return {static_cast<uint8_t>(value >> 8), static_cast<uint8_t>(value)}; }
Octets zeros(size_t count) { return Octets(count); }

Octets ethernet(uint16_t type) { return Octets{0x02, 0, 0, 0, 0, 2, 0x02, 0, 0, 0, 0, 1} + be16(type); }

/// One or two tags in front of the type; the outer with PCP 5 and VID 100.
Octets tagged(uint16_t type, uint16_t tpid = 0x8100) { return ethernet(tpid) + be16(0xa064) + be16(type); }
Octets double_tagged(uint16_t type) { return tagged(0x8100, 0x88a8) + be16(0x0fff) + be16(type); }

struct Ipv4 {
  uint8_t proto = 17;
  uint16_t fragment = 0;
  size_t options = 0;
  int length_error = 0;
  uint8_t version_and_ihl = 0;  // 0: what is right
};

Octets ipv4(const Octets& payload, Ipv4 how = {}) {
  const size_t header = 20 + how.options;
  const auto first = static_cast<uint8_t>(0x40 + header / 4);
  const size_t length = header + payload.size() + static_cast<size_t>(how.length_error);
  return Octets{how.version_and_ihl != 0 ? how.version_and_ihl : first, 46 << 2} + be16(length) + zeros(2) +
         be16(how.fragment) + Octets{64, how.proto, 0, 0, 10, 1, 0, 1, 10, 2, 0, 1} + zeros(how.options) +
         payload;
}

Octets ipv6(uint8_t next, const Octets& payload, int length_error = 0, uint8_t version = 6) {
  Octets address{0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  Octets other = address;
  other[15] = 2;
  return be16(size_t{version} << 12 | 46 << 6) + zeros(2) +
         be16(payload.size() + static_cast<size_t>(length_error)) + Octets{next, 64} + address + other +
         payload;
}

/// An extension header of 8 * (1 + more) bytes.
Octets extension(uint8_t next, uint8_t more = 0) { return Octets{next, more} + zeros(6 + 8u * more); }
Octets fragment_header(uint8_t next, uint16_t offset) { return Octets{next, 0xff} + be16(offset) + zeros(4); }

Octets udp() { return be16(1024) + be16(53) + be16(8) + zeros(2); }
Octets tcp(uint8_t data_offset = 5, size_t options = 0) {
  Octets out = be16(1024) + be16(53) + zeros(16 + options);
  out[12] = static_cast<uint8_t>(data_offset << 4);
  return out;
}
Octets sctp(size_t size = 12) { return be16(1024) + be16(53) + zeros(size - 4); }
Octets arp(uint8_t hardware_size = 6, uint8_t protocol_size = 4) {
  return Octets{0, 1, 8, 0, hardware_size, protocol_size, 0, 1} +
         zeros(2u * hardware_size + 2u * protocol_size);
}

Octets cut(Octets bytes, size_t from_end) {
  bytes.resize(bytes.size() - from_end);
  return bytes;
}

FrameView view(const Octets& bytes) { return {bytes.data(), static_cast<uint32_t>(bytes.size())}; }

/// Bytes in two pieces, read across without a copy of the whole.
struct TwoPieces {
  Octets head;
  Octets tail;
  static const uint8_t* read_across(const void* self, uint32_t offset, uint32_t size, uint8_t* scratch) {
    const auto& pieces = *static_cast<const TwoPieces*>(self);
    for (uint32_t i = 0; i < size; ++i) {
      const size_t at = size_t{offset} + i;
      scratch[i] = at < pieces.head.size() ? pieces.head[at] : pieces.tail.at(at - pieces.head.size());
    }
    return scratch;
  }
  [[nodiscard]] FrameView view() const {
    return {head.data(), static_cast<uint32_t>(head.size()), static_cast<uint32_t>(head.size() + tail.size()),
            this, read_across};
  }
};

TwoPieces split(const Octets& bytes, size_t at) {
  const auto middle = bytes.begin() + static_cast<ptrdiff_t>(at);
  return {Octets(bytes.begin(), middle), Octets(middle, bytes.end())};
}

std::string summary(const Headers& h) {
  std::string out =
      h.vlan.is_tagged() ? std::to_string(h.vlan.number()) + "/" + std::to_string(h.pcp) + " " : "";
  out += "type " + std::to_string(h.ethertype);
  if (h.ip_src.family != Family::absent) {
    out += h.ip_src.family == Family::v4 ? " v4" : " v6";
    out += " proto " + std::to_string(h.ip_proto) + " dscp " + std::to_string(h.dscp);
  }
  if (h.l4_src != Headers::kNoL4Port)
    out += " ports " + std::to_string(h.l4_src) + ">" + std::to_string(h.l4_dst);
  return out;
}

/// What `parse` says at a depth: the headers in short, or "malformed".
std::string seen(const FrameView& frame, ParseDepth depth) {
  Headers headers;
  return parse(frame, PortId{3}, depth, headers) ? summary(headers) : "malformed";
}

struct Case {
  const char* description;
  Octets frame;
  const char* l2;
  const char* l3;
  const char* l4;
};

const char* const kBad = "malformed";

void check(const std::vector<Case>& cases) {
  for (const Case& c : cases) {
    INFO(c.description);
    CHECK(seen(view(c.frame), ParseDepth::l2) == c.l2);
    CHECK(seen(view(c.frame), ParseDepth::l3) == c.l3);
    CHECK(seen(view(c.frame), ParseDepth::l4) == c.l4);
  }
}

}  // namespace

TEST_CASE("Ethernet and tags", "[parser]") {
  check({
      {"a runt", cut(ethernet(0x88cc), 1), kBad, kBad, kBad},
      {"nothing at all", {}, kBad, kBad, kBad},
      {"a bare header", ethernet(0x88cc), "type 35020", "type 35020", "type 35020"},
      {"an 802.3 length", ethernet(46) + zeros(46), "type 1535", "type 1535", "type 1535"},
      {"the last length", ethernet(0x05ff), "type 1535", "type 1535", "type 1535"},
      {"the first type", ethernet(0x0600), "type 1536", "type 1536", "type 1536"},
      {"one tag", tagged(0x88cc), "100/5 type 35020", "100/5 type 35020", "100/5 type 35020"},
      {"a service tag", tagged(0x88cc, 0x88a8), "100/5 type 35020", "100/5 type 35020", "100/5 type 35020"},
      {"a tag cut short", cut(tagged(0x88cc), 1), kBad, kBad, kBad},
      {"VID 4095", ethernet(0x8100) + be16(0x0fff) + be16(0x88cc), kBad, kBad, kBad},
      {"VID 0, a priority tag", ethernet(0x8100) + be16(0x6000) + be16(0x88cc), "0/3 type 35020",
       "0/3 type 35020", "0/3 type 35020"},
      {"two tags, the inner VID the customer's own", double_tagged(0x88cc), "100/5 type 35020",
       "100/5 type 35020", "100/5 type 35020"},
      {"a second tag cut short", cut(double_tagged(0x88cc), 1), kBad, kBad, kBad},
      {"three tags", double_tagged(0x8100) + zeros(4), "100/5 type 33024", "100/5 type 33024",
       "100/5 type 33024"},
      {"ARP", ethernet(0x0806) + arp(), "type 2054", "type 2054", "type 2054"},
      {"ARP cut short", ethernet(0x0806) + cut(arp(), 1), "type 2054", kBad, kBad},
      {"ARP with long addresses", ethernet(0x0806) + arp(20, 16), "type 2054", "type 2054", "type 2054"},
      {"ARP with long addresses cut short", ethernet(0x0806) + cut(arp(255, 255), 1), "type 2054", kBad,
       kBad},
      {"ARP without addresses or sizes", ethernet(0x0806) + zeros(7), "type 2054", kBad, kBad},
  });
}

TEST_CASE("the tag alone agrees with the whole parse", "[parser]") {
  for (const Octets& frame :
       {cut(ethernet(0x88cc), 1), ethernet(0x88cc), ethernet(0x0800) + zeros(4), tagged(0x88cc),
        cut(tagged(0x88cc), 1), cut(tagged(0x88cc), 3), cut(tagged(0x88cc), 4), tagged(0x88cc, 0x88a8),
        double_tagged(0x88cc), ethernet(0x8100) + be16(0x0fff) + be16(0x88cc)}) {
    Headers headers;
    FrameTag tag;
    const bool whole = parse(view(frame), PortId{0}, ParseDepth::l2, headers);
    CHECK(parse_tag(view(frame), tag) == whole);
    for (size_t at = 0; at <= frame.size(); ++at) {
      FrameTag split_tag;
      CHECK(parse_tag(split(frame, at).view(), split_tag) == whole);
      if (!whole) continue;
      CHECK(split_tag.vlan == headers.vlan);
      CHECK(split_tag.pcp == headers.pcp);
    }
    if (!whole) continue;
    CHECK(tag.vlan == headers.vlan);
    CHECK(tag.pcp == headers.pcp);
  }
}

TEST_CASE("IPv4", "[parser]") {
  const auto frame = [](const Octets& packet) { return tagged(0x0800) + packet; };
  const char* const l2 = "100/5 type 2048";
  const char* const udp_l3 = "100/5 type 2048 v4 proto 17 dscp 46";
  const char* const udp_l4 = "100/5 type 2048 v4 proto 17 dscp 46 ports 1024>53";
  const char* const tcp_l3 = "100/5 type 2048 v4 proto 6 dscp 46";
  const char* const tcp_l4 = "100/5 type 2048 v4 proto 6 dscp 46 ports 1024>53";
  const char* const icmp = "100/5 type 2048 v4 proto 1 dscp 46";
  const char* const gre = "100/5 type 2048 v4 proto 47 dscp 46";
  check({
      {"UDP", frame(ipv4(udp())), l2, udp_l3, udp_l4},
      {"padding behind it", frame(ipv4(udp())) + zeros(18), l2, udp_l3, udp_l4},
      {"two tags", double_tagged(0x0800) + ipv4(udp()), l2, udp_l3, udp_l4},
      {"options", frame(ipv4(udp(), {.options = 40})), l2, udp_l3, udp_l4},
      {"no packet", frame({}), l2, kBad, kBad},
      {"a header cut short", frame(cut(ipv4({}), 1)), l2, kBad, kBad},
      {"version 5", frame(ipv4(udp(), {.version_and_ihl = 0x55})), l2, kBad, kBad},
      {"a header length of 16", frame(ipv4(udp(), {.version_and_ihl = 0x44})), l2, kBad, kBad},
      {"a header longer than the packet", frame(ipv4(udp(), {.version_and_ihl = 0x48})), l2, kBad, kBad},
      {"a total length beyond the frame", frame(ipv4(udp(), {.length_error = 1})), l2, kBad, kBad},
      {"a total length that cuts the header of UDP", frame(ipv4(udp(), {.length_error = -1})), l2, udp_l3,
       kBad},
      {"half of UDP behind the total length", frame(ipv4(cut(udp(), 4)) + zeros(4)), l2, udp_l3, kBad},
      {"a first fragment", frame(ipv4(udp(), {.fragment = 0x2000})), l2, udp_l3, udp_l4},
      {"a first fragment too short", frame(ipv4(cut(udp(), 1), {.fragment = 0x2000})), l2, udp_l3, kBad},
      {"a later fragment", frame(ipv4(udp(), {.fragment = 0x2001})), l2, udp_l3, udp_l3},
      {"the last fragment, of one byte", frame(ipv4(zeros(1), {.fragment = 0x1fff})), l2, udp_l3, udp_l3},
      {"don't fragment", frame(ipv4(udp(), {.fragment = 0x4000})), l2, udp_l3, udp_l4},
      {"TCP", frame(ipv4(tcp(), {.proto = 6})), l2, tcp_l3, tcp_l4},
      {"TCP with options", frame(ipv4(tcp(8, 12), {.proto = 6})), l2, tcp_l3, tcp_l4},
      {"TCP options cut short", frame(ipv4(tcp(8, 11), {.proto = 6})), l2, tcp_l3, kBad},
      {"TCP data offset 4", frame(ipv4(tcp(4), {.proto = 6})), l2, tcp_l3, kBad},
      {"TCP cut short", frame(ipv4(cut(tcp(), 1), {.proto = 6})), l2, tcp_l3, kBad},
      {"SCTP", frame(ipv4(sctp(), {.proto = 132})), l2, "100/5 type 2048 v4 proto 132 dscp 46",
       "100/5 type 2048 v4 proto 132 dscp 46 ports 1024>53"},
      {"SCTP cut short", frame(ipv4(sctp(11), {.proto = 132})), l2, "100/5 type 2048 v4 proto 132 dscp 46",
       kBad},
      {"ICMP", frame(ipv4(zeros(8), {.proto = 1})), l2, icmp, icmp},
      {"ICMP cut short", frame(ipv4(zeros(7), {.proto = 1})), l2, icmp, kBad},
      {"another protocol, empty", frame(ipv4({}, {.proto = 47})), l2, gre, gre},
  });
}

TEST_CASE("IPv6", "[parser]") {
  const auto frame = [](const Octets& packet) { return ethernet(0x86dd) + packet; };
  const char* const l2 = "type 34525";
  const char* const udp_l3 = "type 34525 v6 proto 17 dscp 46";
  const char* const udp_l4 = "type 34525 v6 proto 17 dscp 46 ports 1024>53";
  const char* const icmp = "type 34525 v6 proto 58 dscp 46";
  const char* const none = "type 34525 v6 proto 59 dscp 46";
  const char* const esp = "type 34525 v6 proto 50 dscp 46";
  Octets eight = udp();
  for (int n = 0; n < kMaxExtensionHeaders; ++n) eight = extension(n == 0 ? 17 : 60) + eight;
  const Octets authentication = Octets{17, 4} + zeros(22);  // (4 + 2) * 4 bytes
  check({
      {"UDP", frame(ipv6(17, udp())), l2, udp_l3, udp_l4},
      {"padding behind it", frame(ipv6(17, udp())) + zeros(3), l2, udp_l3, udp_l4},
      {"a header cut short", frame(cut(ipv6(59, {}), 1)), l2, kBad, kBad},
      {"version 4", frame(ipv6(17, udp(), 0, 4)), l2, kBad, kBad},
      {"a payload beyond the frame", frame(ipv6(17, udp(), 1)), l2, kBad, kBad},
      {"a payload that cuts the header of UDP", frame(ipv6(17, udp(), -1)), l2, udp_l3, kBad},
      {"hop-by-hop", frame(ipv6(0, extension(17) + udp())), l2, udp_l3, udp_l4},
      {"hop-by-hop, destination options, routing",
       frame(ipv6(0, extension(60) + extension(43, 2) + extension(17, 1) + udp())), l2, udp_l3, udp_l4},
      {"authentication", frame(ipv6(51, authentication + udp())), l2, udp_l3, udp_l4},
      {"an extension cut short", frame(ipv6(0, cut(extension(17), 1))), l2, kBad, kBad},
      {"an extension longer than the packet", frame(ipv6(0, Octets{17, 1} + zeros(13))), l2, kBad, kBad},
      {"an extension missing", frame(ipv6(0, {})), l2, kBad, kBad},
      {"as many extensions as are followed", frame(ipv6(60, eight)), l2, udp_l3, udp_l4},
      {"one more", frame(ipv6(60, extension(60) + eight)), l2, kBad, kBad},
      {"an atomic fragment", frame(ipv6(44, fragment_header(17, 0) + udp())), l2, udp_l3, udp_l4},
      {"a first fragment", frame(ipv6(44, fragment_header(17, 1) + udp())), l2, udp_l3, udp_l4},
      {"a first fragment too short", frame(ipv6(44, fragment_header(17, 1) + cut(udp(), 1))), l2, udp_l3,
       kBad},
      {"a first fragment that lacks its extensions", frame(ipv6(44, fragment_header(60, 1))), l2, kBad, kBad},
      {"a later fragment", frame(ipv6(44, fragment_header(17, 8) + udp())), l2, udp_l3, udp_l3},
      {"a later fragment of extension headers", frame(ipv6(44, fragment_header(60, 9) + Octets{1})), l2,
       "type 34525 v6 proto 60 dscp 46", "type 34525 v6 proto 60 dscp 46"},
      {"a fragment header cut short", frame(ipv6(44, cut(fragment_header(17, 8), 1))), l2, kBad, kBad},
      {"ICMPv6", frame(ipv6(58, zeros(4))), l2, icmp, icmp},
      {"ICMPv6 cut short", frame(ipv6(58, zeros(3))), l2, icmp, kBad},
      {"no next header", frame(ipv6(59, {})), l2, none, none},
      {"ESP hides the rest", frame(ipv6(50, udp())), l2, esp, esp},
      {"TCP options cut short behind an extension", frame(ipv6(60, extension(6) + tcp(6))), l2,
       "type 34525 v6 proto 6 dscp 46", kBad},
  });
}

TEST_CASE("every field is where it belongs", "[parser]") {
  Headers h;
  REQUIRE(parse(view(tagged(0x0800) + ipv4(udp())), PortId{7}, ParseDepth::l4, h));
  CHECK(h.port == PortId{7});
  CHECK(h.eth_dst == MacAddress{0x020000000002});
  CHECK(h.eth_src == MacAddress{0x020000000001});
  CHECK(h.ip_src == IpAddress{Family::v4, {10, 1, 0, 1}});
  CHECK(h.ip_dst == IpAddress{Family::v4, {10, 2, 0, 1}});
  REQUIRE(parse(view(ethernet(0x86dd) + ipv6(17, udp())), PortId{7}, ParseDepth::l4, h));
  CHECK(h.ip_src == IpAddress{Family::v6, {0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}});
  CHECK(h.ip_dst == IpAddress{Family::v6, {0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2}});
  REQUIRE(parse(view(ethernet(0x88cc)), PortId{7}, ParseDepth::l4, h));
  CHECK(h.ip_src == IpAddress{});  // nothing is left of what was there before
}

TEST_CASE("where a frame is split does not matter", "[parser]") {
  for (const Octets& frame :
       {double_tagged(0x0800) + ipv4(tcp(8, 12), {.proto = 6, .options = 8}), ethernet(0x0806) + arp(),
        tagged(0x86dd) + ipv6(0, extension(60) + extension(44, 1) + fragment_header(17, 0) + udp()),
        tagged(0x86dd) + ipv6(58, zeros(3))}) {
    const std::string whole = seen(view(frame), ParseDepth::l4);
    for (size_t at = 0; at <= frame.size(); ++at)
      CHECK(seen(split(frame, at).view(), ParseDepth::l4) == whole);
  }
}

TEST_CASE("a frame cut anywhere is read no further than it goes", "[parser]") {
  // Each prefix stands at the end of its own allocation, so that AddressSanitizer sees a step beyond.
  const Octets frame = double_tagged(0x86dd) + ipv6(0, extension(60) + extension(6) + tcp(8, 12));
  for (size_t size = 0; size <= frame.size(); ++size) {
    const Octets part(frame.begin(), frame.begin() + static_cast<ptrdiff_t>(size));
    Octets exact(part);
    exact.shrink_to_fit();
    Headers headers;
    CHECK(parse(view(exact), PortId{0}, ParseDepth::l4, headers) == (size == frame.size()));
  }
}

TEST_CASE("changed bytes never lead outside, and pieces agree with the whole", "[parser]") {
  const std::vector<Octets> seeds{
      double_tagged(0x0800) + ipv4(tcp(8, 12), {.proto = 6, .options = 8}),
      tagged(0x86dd) + ipv6(0, extension(60, 1) + extension(44) + fragment_header(17, 0) + udp()),
      ethernet(0x0806) + arp()};
  std::mt19937 engine{5};
  for (int round = 0; round < 200'000; ++round) {
    Octets frame = seeds[engine() % seeds.size()];
    for (uint32_t changes = engine() % 4; changes > 0; --changes) {
      frame[12 + engine() % (frame.size() - 12)] = static_cast<uint8_t>(engine());
    }
    frame.resize(engine() % 8 == 0 ? engine() % frame.size() : frame.size());
    const TwoPieces pieces = split(frame, engine() % (frame.size() + 1));
    for (const ParseDepth depth : {ParseDepth::l2, ParseDepth::l3, ParseDepth::l4}) {
      Headers whole;
      Headers split_headers;
      const bool good = parse(view(frame), PortId{0}, depth, whole);
      if (parse(pieces.view(), PortId{0}, depth, split_headers) != good ||
          (good && !(whole == split_headers)))
        FAIL("round " << round);
    }
  }
}
