// SPDX-License-Identifier: Apache-2.0
#include "tests/support/frames.hpp"

#include <algorithm>
#include <cstdlib>

#include "classifier/frame_builder.hpp"
#include "classifier/parser.hpp"

namespace bulkhead::test {
namespace {

constexpr std::size_t kPayload = 42;  // behind Ethernet, IPv4 and UDP headers

void fill_state(Packet packet, Cycles arrival) {
  FrameTag tag;
  (void)parse_tag(packet.view(), tag);
  packet.state() = {.arrival = arrival,
                    .vlan = tag.vlan,
                    .pcp = static_cast<uint8_t>(tag.pcp & 7),
                    .buffers = buffers_of(packet),
                    .length = packet.length()};
}

Packet allocated(const PacketPool& pool, std::span<const uint8_t> bytes) {
  const Packet packet = pool.allocate(bytes);
  if (packet.mbuf() == nullptr) std::abort();
  return packet;
}

}  // namespace

Frame udp(MacAddress from, MacAddress to, std::size_t size, uint8_t first) {
  Headers headers;
  headers.eth_src = from;
  headers.eth_dst = to;
  headers.ethertype = kEthertypeIpv4;
  headers.ip_src = {IpAddress::Family::v4, {10, 1, 0, 1}};
  headers.ip_dst = {IpAddress::Family::v4, {10, 2, 0, 1}};
  headers.ip_proto = 17;
  headers.dscp = 0;
  headers.l4_src = 1024;
  headers.l4_dst = 53;
  Frame frame = build_frame(headers);
  frame.resize(std::max(size, frame.size()));
  for (std::size_t i = kPayload; i < frame.size(); ++i) frame[i] = static_cast<uint8_t>(first + i - kPayload);
  return frame;
}

Frame numbered(uint32_t number, std::size_t size) {
  Frame frame = udp(kAlice, kBob, size);
  store_be32(&frame[kPayload], number);
  return frame;
}

uint32_t number_of(std::span<const uint8_t> frame) {
  const bool tagged = is_tag_type(load_be16(&frame[12]));
  return load_be32(&frame[kPayload + (tagged ? kVlanTagSize : 0)]);
}

Frame tag(const Frame& frame, uint16_t vid, uint8_t pcp, bool dei, uint16_t tpid) {
  Frame tagged = frame;
  tagged.insert(tagged.begin() + 12, kVlanTagSize, 0);
  store_be16(&tagged[12], tpid);
  store_be16(&tagged[14], static_cast<uint16_t>(pcp << 13 | (dei ? 1 << 12 : 0) | vid));
  return tagged;
}

Packet packet_of(const PacketPool& pool, std::span<const uint8_t> bytes, Cycles arrival) {
  const Packet packet = allocated(pool, bytes);
  fill_state(packet, arrival);
  return packet;
}

Packet segmented(const PacketPool& pool, std::span<const uint8_t> bytes, std::span<const uint32_t> sizes) {
  const Packet head = allocated(pool, bytes.first(sizes[0]));
  rte_mbuf* last = head.mbuf();
  std::size_t at = sizes[0];
  for (std::size_t i = 1; i <= sizes.size() && at < bytes.size(); ++i) {
    const std::size_t size = i < sizes.size() ? sizes[i] : bytes.size() - at;
    last = last->next = allocated(pool, bytes.subspan(at, size)).mbuf();
    ++head.mbuf()->nb_segs;
    head.mbuf()->pkt_len += static_cast<uint32_t>(size);
    at += size;
  }
  fill_state(head, {});
  return head;
}

void set_mark(Packet packet, uint32_t mark) {
  packet.mbuf()->ol_flags |= RTE_MBUF_F_RX_FDIR | RTE_MBUF_F_RX_FDIR_ID;
  packet.mbuf()->hash.fdir.hi = mark;
}

Frame bytes_of(Packet packet) {
  Frame bytes;
  for (const rte_mbuf* segment = packet.mbuf(); segment != nullptr; segment = segment->next) {
    const auto* start = rte_pktmbuf_mtod(segment, const uint8_t*);
    bytes.insert(bytes.end(), start, start + segment->data_len);
  }
  return bytes;
}

}  // namespace bulkhead::test
