// SPDX-License-Identifier: Apache-2.0
#include "classifier/demultiplexer.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace bulkhead {
namespace {

uint64_t bytes_of(std::span<const Packet> packets) {
  uint64_t bytes = 0;
  for (const Packet packet : packets) bytes += packet.state().length;
  return bytes;
}

}  // namespace

Demultiplexer::Demultiplexer(PortId port, const SliceTable& table, std::vector<SliceInput*> inputs,
                             ReadySet& ready, DropCounters& unclaimed)
    : port_(port),
      table_(table),
      inputs_(std::move(inputs)),
      ready_(ready),
      unclaimed_(unclaimed),
      pending_marks_(ready.words(), 0) {
  pending_words_.reserve(ready.words());
}

void Demultiplexer::run(Burst& burst) {
  const std::span<const Packet> packets = burst.span();
  // First whose they all are, so that the slices' lines are on their way when they are written to.
  std::array<Verdict, Burst::kCapacity> verdicts;
  for (std::size_t i = 0; i < packets.size(); ++i) {
    verdicts[i] = classify(packets[i]);
    if (verdicts[i].is_slice() && (i == 0 || verdicts[i] != verdicts[i - 1]))
      inputs_[verdicts[i].slice().value()]->prefetch();
  }
  for (std::size_t start = 0; start < packets.size();) {
    std::size_t end = start + 1;
    while (end < packets.size() && verdicts[end] == verdicts[start]) ++end;
    deliver(packets.subspan(start, end - start), verdicts[start]);
    start = end;
  }
  burst.release();
  publish_ready();
}

Verdict Demultiplexer::classify(Packet packet) const {
  const FrameView frame = packet.view();
  // Tags are edited in place, so they must lie in the first segment.
  constexpr uint32_t kEditable = kEthernetHeaderSize + kVlanTagSize;
  if (frame.contiguous() < kEditable && frame.contiguous() < frame.length()) [[unlikely]]
    return Verdict::malformed();
  FrameTag tag;
  const Verdict verdict = table_.classify(port_, frame, tag);
  PacketState& state = packet.state();
  state.vlan = tag.vlan;
  state.pcp = tag.pcp & 7;  // kNoPcp becomes 0: untagged is best effort
  return verdict;
}

void Demultiplexer::deliver(std::span<const Packet> packets, Verdict verdict) {
  if (packets.empty()) return;
  if (!verdict.is_slice()) {
    const bool malformed = verdict == Verdict::malformed();
    unclaimed_.add(malformed ? DropReason::malformed : DropReason::not_in_flowspace, packets.size());
    return free_packets(packets);
  }
  SliceInput& input = *inputs_[verdict.slice().value()];
  input.received.add(packets.size(), bytes_of(packets));
  const uint32_t queued = input.queue.push(packets);
  if (queued < packets.size()) [[unlikely]] {
    input.dropped_full.add(packets.size() - queued);
    free_packets(packets.subspan(queued));
  }
  mark_ready(verdict.slice());
}

void Demultiplexer::mark_ready(SliceId slice) {
  const uint32_t word = slice.value() / 64u;
  if (pending_marks_[word] == 0) pending_words_.push_back(word);
  pending_marks_[word] |= uint64_t{1} << slice.value() % 64;
}

void Demultiplexer::publish_ready() {
  for (const uint32_t word : pending_words_) ready_.mark_word(word, std::exchange(pending_marks_[word], 0));
  pending_words_.clear();
}

}  // namespace bulkhead
