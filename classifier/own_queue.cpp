// SPDX-License-Identifier: Apache-2.0
#include "classifier/own_queue.hpp"

#include "classifier/demultiplexer.hpp"
#include "classifier/whose.hpp"

namespace bulkhead {
namespace {

/// Whose the packets of a burst are, one after the other, as whose() says. All of a queue's ought to have one
/// VLAN, and where that decides, whoever has the tag of the one before is of the same slice.
class WhoseInTurn {
 public:
  WhoseInTurn(const SliceTable& table, PortId port) : table_(table), port_(port) {}

  Verdict operator()(Packet packet) {
    if (packet.segments() != 1 || packet.length() < kTaggedHeaderSize) [[unlikely]]
      return whose_odd(table_, port_, packet);
    const uint32_t type_and_tag = load_be32(packet.data() + kTagOffset);
    if ((type_and_tag & kWithoutPriority) == known_) {
      remember(packet, {.vlan = vlan_, .pcp = static_cast<uint8_t>(type_and_tag >> 13 & 7)});
      return verdict_;
    }
    verdict_ = whose(table_, port_, packet);
    vlan_ = packet.state().vlan;
    const bool decides =
        vlan_.is_tagged() && verdict_ != Verdict::malformed() && table_.tag_decides(port_, vlan_);
    known_ = decides ? type_and_tag & kWithoutPriority : kNone;
    return verdict_;
  }

 private:
  static constexpr uint32_t kTagOffset = kEthernetHeaderSize - 2;
  static constexpr uint32_t kWithoutPriority = 0xffff'0fff;  // and without the drop-eligible bit
  static constexpr uint32_t kNone = ~kWithoutPriority;       // as it cannot be

  const SliceTable& table_;
  PortId port_;
  Verdict verdict_ = Verdict::unclaimed();
  Vlan vlan_;
  uint32_t known_ = kNone;  // the tag of which the two above are
};

}  // namespace

uint32_t OwnQueue::receive(Burst& burst, uint32_t most, Cycles now) const {
  const uint32_t received = place_.port.receive(place_.queue, burst, most, now);
  Burst refused;
  uint32_t malformed = 0;
  uint32_t kept = 0;
  uint64_t bytes = 0;
  WhoseInTurn whose_next(table_, place_.id);
  for (uint32_t i = 0; i < received; ++i) {
    const Packet packet = burst[i];
    // A frame of more buffers has no place in any of the slice's queues.
    const bool has_place = packet.segments() <= SliceInput::kMostBuffers;
    const Verdict verdict = has_place ? whose_next(packet) : Verdict::malformed();
    if (verdict != Verdict::of(slice_)) [[unlikely]] {
      malformed += verdict == Verdict::malformed() ? 1 : 0;
      refused.push_back(packet);
      continue;
    }
    bytes += packet.state().length;
    burst.raw()[kept++] = packet;
  }
  burst.resize(kept);
  if (kept > 0) arrivals_.received.add(kept, bytes);
  if (!refused.empty()) [[unlikely]]
    drop(refused, malformed);
  return received;
}

/// Together: one slice's malformed packets are others' time. `malformed` of them are that, the rest
/// strangers.
void OwnQueue::drop(Burst& refused, uint32_t malformed) const {
  place_.malformed.add(malformed);
  arrivals_.strangers.add(refused.size() - malformed);
  free_packets(refused.span());
  refused.release();
}

}  // namespace bulkhead
