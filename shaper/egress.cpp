// SPDX-License-Identifier: Apache-2.0
#include "shaper/egress.hpp"

#include <algorithm>

#include "nic/clock.hpp"

namespace bulkhead {
namespace {

constexpr std::size_t kSlicesPerBatch = 16;
constexpr uint32_t kSliceTurn = 32;  // packets a slice may send before the next one's turn
constexpr int kBatchesPerVisit = 8;  // then others have their turn, however much is waiting
constexpr QueueId kTransmitQueue{0};

}  // namespace

uint32_t Egress::visit(ReadySet& ready, const std::vector<SliceOutput*>& outputs) {
  uint32_t moved = pending() > 0 ? transmit() : 0;
  for (int batch = 0; batch < kBatchesPerVisit && pending() == 0; ++batch) {
    gather(ready, outputs);
    if (pending() == 0) break;
    moved += transmit();
  }
  return moved;
}

void Egress::gather(ReadySet& ready, const std::vector<SliceOutput*>& outputs) {
  std::array<std::size_t, kSlicesPerBatch> slices;
  const std::size_t count = ready.take(turn_, slices);
  // The queues' lines are on their way when they are read.
  for (std::size_t i = 0; i < count; ++i) outputs[slices[i]]->queue.prefetch_for_pop();
  for (std::size_t i = 0; i < count; ++i) {
    if (batch_.room() == 0) {
      turn_ = slices[i];
      return ready.mark_those(std::span(slices).first(count).subspan(i), [](std::size_t) { return true; });
    }
    SliceOutput& output = *outputs[slices[i]];
    take_from(output);
    if (!output.queue.empty()) ready.mark(slices[i]);
  }
}

void Egress::take_from(SliceOutput& output) {
  const uint32_t start = batch_.size();
  const uint32_t taken = output.queue.pop(batch_.raw() + start, std::min(kSliceTurn, batch_.room()));
  output.prefetch_for_count();
  for (uint32_t i = start; i < start + taken; ++i) {
    origin_[i] = &output;
    states_[i] = batch_[i].state();
  }
  batch_.resize(start + taken);
}

uint32_t Egress::transmit() {
  const uint32_t accepted = port_.transmit(kTransmitQueue, batch_.span().subspan(first_));
  if (accepted > 0) count(first_, first_ + accepted, clock_now());
  first_ += accepted;
  if (first_ == batch_.size()) {
    batch_.release();
    first_ = 0;
  }
  return accepted;
}

void Egress::count(uint32_t from, uint32_t to, Cycles now) {
  for (uint32_t i = from; i < to;) {
    SliceOutput& output = *origin_[i];
    const Cycles arrival = states_[i].arrival;
    const uint32_t start = i;
    for (; i < to && origin_[i] == &output && states_[i].arrival == arrival; ++i)
      output.transmitted[states_[i].pcp].add(1, states_[i].length);
    output.residence.record(now - arrival, i - start, scale_);
  }
}

void Egress::drop_pending(const SliceOutput* output, DropReason reason) {
  uint32_t kept = first_;
  for (uint32_t i = first_; i < batch_.size(); ++i) {
    if (output != nullptr && origin_[i] != output) {
      batch_.raw()[kept] = batch_[i];
      origin_[kept] = origin_[i];
      states_[kept++] = states_[i];
      continue;
    }
    origin_[i]->dropped_by_pcp[states_[i].pcp].add(1);
    origin_[i]->dropped.add(reason, 1);
    free_packets({batch_.raw() + i, 1});
  }
  // What was transmitted before is no longer ours: the batch starts at its first pending packet.
  std::copy(batch_.raw() + first_, batch_.raw() + kept, batch_.raw());
  std::copy(origin_.begin() + first_, origin_.begin() + kept, origin_.begin());
  std::copy(states_.begin() + first_, states_.begin() + kept, states_.begin());
  batch_.resize(kept - first_);
  first_ = 0;
}

}  // namespace bulkhead
