// SPDX-License-Identifier: Apache-2.0
#include "shaper/egress.hpp"

#include <algorithm>
#include <utility>

namespace bulkhead {
namespace {

constexpr std::size_t kSlicesTogether = 16;
constexpr int kBatchesPerVisit = 8;  // then others have their turn, however much is waiting
constexpr uint64_t kAheadsPerSecond = 100'000;
constexpr QueueId kTransmitQueue{0};

EgressScheduler::Options scheduler_options(const Port& port, const Egress::Options& options) {
  return {.speed = options.speed,
          .hz = options.clock_hz,
          .largest_frame = Bytes{port.max_frame()} + kWireOverhead,
          .catch_up = {},
          .slices = 0,
          .ahead = Cycles{options.clock_hz / kAheadsPerSecond}};
}

}  // namespace

Egress::Egress(const Port& port, const Options& options)
    : port_(port),
      max_frame_(port.max_frame()),
      speed_(options.speed),
      scale_(options.clock_hz),
      scheduler_(scheduler_options(port, options)) {}

void Egress::attach(SliceOutput& output) {
  if (output.slot != SliceOutput::kNoSlot) return;
  const auto free = std::ranges::find(slots_, nullptr);
  output.slot = static_cast<uint16_t>(free - slots_.begin());
  if (free == slots_.end()) {
    slots_.push_back(nullptr);
    scheduler_.grow(static_cast<uint16_t>(slots_.size()));
  }
  slots_[output.slot] = &output;
  scheduler_.configure(SliceId{output.slot}, output.plan.rates);
}

bool Egress::detach(SliceOutput& output, DropReason reason, uint32_t most) {
  scheduler_.remove(SliceId{output.slot});
  drop_pending(output, reason);
  for (uint32_t number = 0; number < kMaxClasses; ++number)
    for (; !output.queues.at(number).empty(); --most) {
      if (most == 0) return false;
      const Packet packet = output.queues.pop(number);
      output.count_drop(packet.state().pcp, packet.state().buffers, reason);
      free_packets({&packet, 1});
    }
  slots_[output.slot] = nullptr;
  output.slot = SliceOutput::kNoSlot;
  return true;
}

void Egress::set_rates(SliceOutput& output, const SliceRates& rates) {
  output.plan.rates = rates;
  scheduler_.configure(SliceId{output.slot}, rates);
}

void Egress::set_speed(BitsPerSecond speed) {
  if (speed == speed_) return;
  speed_ = speed;
  scheduler_.set_speed(speed);
}

/// Workers read the clock before they wait for the claim: a reading older than the last visit's stands for
/// that one, or the time between the two would count twice.
Cycles Egress::at(Cycles now) { return latest_ = std::max(latest_, now); }

uint32_t Egress::visit(ReadySet& ready, const std::vector<SliceOutput*>& outputs, CpuMeter& meter) {
  const Cycles begin = at(meter.now());
  uint32_t moved = pending() > 0 ? transmit(meter) : 0;
  // Little is admitted at a time, so that queues fill up only where more comes than may leave.
  for (int batch = 0; batch < kBatchesPerVisit && pending() == 0; ++batch) {
    const bool admitted = admit(ready, outputs, begin, meter);
    schedule(begin);
    if (pending() > 0) {
      moved += transmit(meter);
    } else if (!admitted) {
      break;
    }
  }
  return moved;
}

/// Up to a burst of each of a few slices. False where none had any.
bool Egress::admit(ReadySet& ready, const std::vector<SliceOutput*>& outputs, Cycles now, CpuMeter& meter) {
  std::array<std::size_t, kSlicesTogether> slices;
  const std::size_t count = ready.take(turn_, slices);
  // What admitting them touches is on its way when it is read.
  for (std::size_t i = 0; i < count; ++i) outputs[slices[i]]->prefetch_for_admission();
  if (is_contended_)
    for (std::size_t i = 0; i < count; ++i) scheduler_.prefetch(SliceId{outputs[slices[i]]->slot});
  for (std::size_t i = 0; i < count; ++i)
    if (admit_from(*outputs[slices[i]], now, meter)) ready.mark(slices[i]);
  return count > 0;
}

/// True where packets may have been left in the ring.
bool Egress::admit_from(SliceOutput& output, Cycles now, CpuMeter& meter) {
  std::array<Packet, Burst::kCapacity> packets;
  const uint32_t taken = output.ring.pop(packets.data(), Burst::kCapacity);
  const std::span<const Packet> burst = std::span(packets).first(taken);
  is_contended_ = !pass(output, burst, now);
  if (!is_contended_) return taken == Burst::kCapacity;
  uint32_t classes = 0;
  uint32_t dropped = 0;
  for (const Packet packet : burst) {
    const uint8_t pcp = packet.state().pcp;
    const uint32_t number = output.queues.class_of(pcp);
    if (output.queues.push(number, packet)) [[likely]] {
      classes |= 1u << number;
      continue;
    }
    if (dropped++ == 0) unpaid_ += meter.lap().count();
    output.count_drop(pcp, packet.state().buffers, DropReason::queue_full);
    free_packets({&packet, 1});
  }
  if (dropped > 0) {
    // Others' packets leave while this slice's do not: it pays for these itself.
    const uint64_t cost = meter.lap().count();
    output.cycles.add(cost);
    meter.charge(cost);
  }
  if (classes != 0) scheduler_.activate(SliceId{output.slot}, static_cast<uint8_t>(classes), now);
  return taken == Burst::kCapacity;
}

bool Egress::pass(const SliceOutput& output, std::span<const Packet> burst, Cycles now) {
  if (scheduler_.is_contended() || is_device_full_ || batch_.room() < burst.size()) return false;
  output.prefetch_for_count();
  // They are put behind the batch in any case, so that each is looked at once.
  uint32_t place = batch_.size();
  Bytes bytes = kWireOverhead * burst.size();
  for (const Packet packet : burst) bytes += Bytes{put(place++, packet, output.slot)};
  if (!scheduler_.pass(SliceId{output.slot}, bytes, at(now))) return false;
  batch_.resize(place);
  return true;
}

/// Writes a packet down at a place of the batch, and returns its length.
uint32_t Egress::put(uint32_t place, Packet packet, uint16_t slot) {
  const PacketState& state = packet.state();
  sent_[place] = {.arrival = state.arrival,
                  .length = state.length,
                  .pcp = state.pcp,
                  .buffers = state.buffers,
                  .slot = slot};
  batch_.raw()[place] = packet;
  return state.length;
}

void Egress::schedule(Cycles now) {
  while (batch_.room() > 0) {
    const Grant* grant = scheduler_.next(now);
    if (!grant) return;
    SliceOutput& output = *slots_[grant->slice.value()];
    output.prefetch_for_count();
    Bytes taken;
    do {
      taken = take(output, *grant);
    } while (scheduler_.charge(taken, !output.queues.at(grant->class_number).empty()));
  }
}

Bytes Egress::take(SliceOutput& output, const Grant& grant) {
  const ClassQueue& queue = output.queues.at(grant.class_number);
  Bytes taken;
  while (!queue.empty() && batch_.room() > 0) {
    const Bytes wire = wire_bytes(queue.front().state());
    if (taken + wire > grant.allowed) break;
    taken += wire;
    const uint32_t place = batch_.size();
    put(place, output.queues.pop(grant.class_number), output.slot);
    batch_.resize(place + 1);
  }
  return taken;
}

uint32_t Egress::transmit(CpuMeter& meter) {
  if (!is_open_) [[unlikely]]
    return drop_batch(meter);
  const uint32_t accepted = port_.transmit(kTransmitQueue, batch_.span().subspan(first_));
  const uint64_t time = meter.lap().count() + std::exchange(unpaid_, 0);
  if (accepted > 0) meter.charge(count(first_, first_ + accepted, meter.now(), time));
  first_ += accepted;
  is_device_full_ = first_ != batch_.size();
  if (!is_device_full_) {
    batch_.release();
    first_ = 0;
  }
  return accepted;
}

/// There is no device. Each slice pays for its own packets all the same.
uint32_t Egress::drop_batch(CpuMeter& meter) {
  const uint32_t packets = pending();
  for (uint32_t i = first_; i < batch_.size(); ++i)
    slots_[sent_[i].slot]->count_drop(sent_[i].pcp, sent_[i].buffers, DropReason::transmit_failed);
  free_packets(batch_.span().subspan(first_));
  const uint64_t each = (meter.lap().count() + std::exchange(unpaid_, 0)) / std::max(packets, 1u);
  for (uint32_t i = first_; i < batch_.size(); ++i) slots_[sent_[i].slot]->cycles.add(each);
  meter.charge(each * packets);
  batch_.release();
  first_ = 0;
  is_device_full_ = false;
  return packets;
}

/// `cycles`: what these packets have cost, by which each slice pays for its own. Returns what they paid.
uint64_t Egress::count(uint32_t from, uint32_t to, Cycles now, uint64_t cycles) {
  const uint64_t each = cycles / (to - from);
  for (uint32_t i = from; i < to;) {
    const Sent& first = sent_[i];
    SliceOutput& output = *slots_[first.slot];
    const Cycles residence = now - first.arrival;
    const std::size_t bucket = ResidenceHistogram::bucket_of(scale_.ceil(residence));
    const uint32_t start = i;
    uint32_t buffers = 0;
    for (; i < to && sent_[i].came_with(first); ++i) {
      const Sent& sent = sent_[i];
      buffers += sent.buffers;
      output.transmitted[sent.pcp].add(1, sent.length);
      output.residence.count(bucket, output.class_of_pcp[sent.pcp]);
    }
    const uint32_t packets = i - start;
    output.residence.add_time(residence, packets);
    output.all_left.add(buffers);
    output.cycles.add(each * packets);
  }
  return each * (to - from);
}

std::optional<Cycles> Egress::next_event() const {
  if (pending() > 0) return std::nullopt;  // when the device takes more, nobody can say
  return scheduler_.next_event();
}

/// Packets that the scheduler had let go: they are paid for, but not gone.
void Egress::drop_pending(SliceOutput& output, DropReason reason) {
  uint32_t kept = 0;
  for (uint32_t i = first_; i < batch_.size(); ++i) {
    if (sent_[i].slot != output.slot) {
      batch_.raw()[kept] = batch_[i];
      sent_[kept++] = sent_[i];
      continue;
    }
    output.count_drop(sent_[i].pcp, sent_[i].buffers, reason);
    free_packets({batch_.raw() + i, 1});
  }
  batch_.resize(kept);
  first_ = 0;
}

}  // namespace bulkhead
