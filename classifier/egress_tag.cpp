// SPDX-License-Identifier: Apache-2.0
#include "classifier/egress_tag.hpp"

#include <cstring>

#include "classifier/parser.hpp"

namespace bulkhead {
namespace {

constexpr uint32_t kAddresses = 12;  // both MAC addresses, before the tag

bool push_tag(Packet packet, Vlan vlan) {
  uint8_t* const start = packet.prepend(kVlanTagSize);
  if (start == nullptr) return false;
  std::memmove(start, start + kVlanTagSize, kAddresses);
  store_be16(start + kAddresses, kEthertypeCustomerTag);
  store_be16(start + kAddresses + 2, static_cast<uint16_t>(packet.state().pcp << 13 | vlan.number()));
  return true;
}

/// False where another tag stands behind: without the outer one, the frame would be one of the VLAN that its
/// sender wrote into the inner tag, whosever that is at the output port ("VLAN hopping").
bool pop_tag(Packet packet) {
  uint8_t* const start = packet.data();
  if (is_tag_type(load_be16(start + kAddresses + kVlanTagSize))) return false;
  std::memmove(start + kVlanTagSize, start, kAddresses);
  packet.trim_front(kVlanTagSize);
  return true;
}

/// PCP and DEI stand in the upper four bits and stay.
void set_vid(Packet packet, Vlan vlan) {
  uint8_t* const tci = packet.data() + kAddresses + 2;
  store_be16(tci, static_cast<uint16_t>((load_be16(tci) & 0xf000) | vlan.number()));
}

}  // namespace

EgressTag::EgressTag(const std::vector<Match>& entries_at_port) {
  auto allowed = std::make_unique<std::bitset<Vlan::kCount>>();
  for (const Match& match : entries_at_port)
    for (uint32_t vlan = match.vlan.first; vlan <= match.vlan.last; ++vlan) allowed->set(vlan);
  if (allowed->count() != 1) {
    allowed_ = std::move(allowed);
    return;
  }
  always_single_ = true;
  single_ = Vlan{static_cast<uint16_t>(allowed->_Find_first())};
}

EgressTag::Outcome EgressTag::apply(Packet packet) const {
  if (is_ready(packet)) return Outcome::ready;
  PacketState& state = packet.state();
  if (!always_single_) return allowed_->test(state.vlan.number()) ? Outcome::ready : Outcome::wrong_vlan;
  if (!state.vlan.is_tagged()) {
    if (!push_tag(packet, single_)) return Outcome::no_room;
  } else if (!single_.is_tagged()) {
    if (!pop_tag(packet)) return Outcome::wrong_vlan;
  } else {
    set_vid(packet, single_);
  }
  state.vlan = single_;
  state.length = packet.length();
  return Outcome::ready;
}

}  // namespace bulkhead
