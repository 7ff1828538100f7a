// SPDX-License-Identifier: Apache-2.0
#include "shaper/slice_runtime.hpp"

#include <algorithm>
#include <optional>
#include <utility>

namespace bulkhead {
namespace {

uint32_t buffers_of(std::span<const Packet> packets) {
  uint32_t buffers = 0;
  for (const Packet packet : packets) buffers += packet.state().buffers;
  return buffers;
}

/// How many of the packets, in order, a way out has room for.
std::size_t fitting(std::span<const Packet> packets, uint32_t room) {
  std::size_t count = 0;
  for (; count < packets.size() && packets[count].state().buffers <= room; ++count)
    room -= packets[count].state().buffers;
  return count;
}

bool fits(Packet packet, const EgressLimits& limits) {
  return packet.state().length <= limits.max_frame && (packet.segments() == 1 || limits.takes_segments);
}

/// Gives the frame its tag, or says why it cannot leave there.
std::optional<DropReason> unfit(Packet packet, const SliceOutput& output) {
  switch (output.tag.apply(packet)) {
    case EgressTag::Outcome::wrong_vlan:
      return DropReason::egress_vlan;
    case EgressTag::Outcome::no_room:
      return DropReason::no_buffer;
    case EgressTag::Outcome::ready:
      break;
  }
  if (!fits(packet, output.limits)) return DropReason::frame_too_long;
  return std::nullopt;
}

}  // namespace

SliceRuntime::SliceRuntime(std::string name, std::vector<Attachment> attachments,
                           std::unique_ptr<ForwardingModel> model, const Priority::Rules& priority)
    : attachments_(std::move(attachments)),
      model_(std::move(model)),
      priority_(priority),
      name_(std::move(name)) {}

std::optional<LocalPort> SliceRuntime::local_port(PortId port) const {
  const auto found = std::ranges::find(attachments_, port, &Attachment::port);
  if (found == attachments_.end()) return std::nullopt;
  return static_cast<LocalPort>(found - attachments_.begin());
}

SliceRuntime::Visit SliceRuntime::visit(Cycles now, ForwardingOutputs& scratch, ClaimedPorts& exits,
                                        std::span<const OwnIngress> own) {
  Visit visit;
  const Sending sending{.now = now, .scratch = scratch, .exits = exits};
  const auto ports = static_cast<LocalPort>(attachments_.size());
  const Rooms rooms(attachments_);
  scratch.limit_copies(&rooms);
  Burst burst;
  for (LocalPort ingress = 0; ingress < ports; ++ingress) {
    PacketQueue& queue = attachments_[ingress].input->queue;
    const uint32_t taken = queue.pop(burst.raw(), burst_);
    if (taken == 0) continue;
    burst.resize(taken);
    visit.packets += taken;
    visit.wants_more = visit.wants_more || taken == std::min<uint32_t>(burst_, queue.capacity());
    forward(ingress, burst, sending, visit.sent_to);
  }
  // Behind what waits already: where a queue has just become the slice's, that came first.
  for (const OwnIngress& queue : own) receive(queue, sending, visit);
  scratch.limit_copies(nullptr);
  return visit;
}

void SliceRuntime::receive(const OwnIngress& own, const Sending& sending, Visit& visit) {
  // A worker with another layout may have it for a moment yet.
  if (!own.claim->try_take()) return;
  Burst burst;
  const uint32_t received = own.queue.receive(burst, burst_, sending.now);
  own.claim->release();
  visit.packets += received;
  visit.wants_more = visit.wants_more || received == burst_;
  if (!burst.empty()) forward(own.ingress, burst, sending, visit.sent_to);
}

/// A visit costs something whatever it finds: where that were held against the packets, a slice that was made
/// to take few of them by one long visit would go on so, and pay for the visits.
void SliceRuntime::adapt(Cycles cost, Cycles longest) {
  const uint64_t fitting = burst_ * longest.count() / std::max<uint64_t>(1, cost.count());
  if (cost > longest) {
    burst_ = static_cast<uint8_t>(std::max<uint64_t>(1, fitting));
  } else if (burst_ < kMostVisited && 4 * cost.count() < 3 * longest.count()) {
    const uint64_t more = std::clamp(fitting, burst_ + uint64_t{1}, burst_ * uint64_t{2});
    burst_ = static_cast<uint8_t>(std::min<uint64_t>(kMostVisited, more));
  }
}

uint64_t SliceRuntime::charges() const {
  uint64_t sum = cycles.read();
  for (const Attachment& attachment : attachments_)
    sum += attachment.input->cycles.read() + attachment.output->cycles.read();
  return sum;
}

void SliceRuntime::forward(LocalPort ingress, Burst& burst, const Sending& sending, uint64_t& sent_to) {
  ForwardingOutputs& scratch = sending.scratch;
  const std::span<const Packet> packets = burst.span();
  priority_.mark(packets);
  // The model's from here on, also where it throws: what it has sent by then would be freed twice.
  burst.release();
  model_->forward(packets, ingress, sending.now, scratch);
  last_sent_to_.store(scratch.touched(), std::memory_order_relaxed);
  for_each_bit(scratch.touched(), [&](uint32_t port) {
    const Attachment& attachment = attachments_[port];
    if (send(scratch.take(static_cast<LocalPort>(port)), attachment, sending))
      sent_to |= uint64_t{1} << attachment.port.value();
  });
  if (scratch.copies() != 0) replicated.add(scratch.copies());
  if (scratch.any_dropped()) count_drops(scratch);
  scratch.reset();
}

/// True where packets were queued, so that the port must be visited.
bool SliceRuntime::send(std::span<const Packet> packets, const Attachment& attachment,
                        const Sending& sending) {
  SliceOutput& output = *attachment.output;
  Burst kept;
  uint32_t buffers = 0;
  const bool ready = std::ranges::all_of(packets, [&](Packet packet) {
    buffers += packet.state().buffers;
    return output.tag.is_ready(packet) && fits(packet, output.limits);
  });
  if (!ready) {
    prepare(packets, output, kept);
    packets = kept.span();
    kept.release();
    buffers = buffers_of(packets);
  }
  if (packets.empty()) return false;
  Egress* const egress = sending.exits.at(attachment.port);
  const bool may_pass = egress != nullptr && output.ring.empty() && buffers <= output.room();
  if (!may_pass || !egress->pass(output, packets, sending.exits.now()))
    return queue(packets, buffers, output);
  for (const Packet packet : packets) output.entered[packet.state().pcp].add(1);
  output.all_entered.add(buffers);
  return false;
}

bool SliceRuntime::queue(std::span<const Packet> packets, uint32_t buffers, SliceOutput& output) {
  const uint32_t room = output.room();
  if (buffers > room) [[unlikely]] {
    const std::size_t fit = fitting(packets, room);
    drop_rest(packets.subspan(fit), output.full_reason());
    packets = packets.first(fit);
    buffers = buffers_of(packets);
  }
  // Read before the push: then they may be transmitted and freed by another worker at once.
  std::array<uint8_t, Burst::kCapacity> pcps;
  for (std::size_t i = 0; i < packets.size(); ++i) pcps[i] = packets[i].state().pcp;
  const uint32_t queued = output.ring.push(packets);
  if (queued < packets.size()) [[unlikely]] {
    buffers -= buffers_of(packets.subspan(queued));
    drop_rest(packets.subspan(queued), DropReason::queue_full);
  }
  for (uint32_t i = 0; i < queued; ++i) output.entered[pcps[i]].add(1);
  output.all_entered.add(buffers);
  return queued > 0;
}

void SliceRuntime::drop_rest(std::span<const Packet> packets, DropReason reason) {
  dropped.add(reason, packets.size());
  free_packets(packets);
}

/// Tags the frames for the port, keeps those that can leave there, and drops the others.
void SliceRuntime::prepare(std::span<const Packet> packets, const SliceOutput& output, Burst& kept) {
  for (const Packet packet : packets) {
    const auto reason = unfit(packet, output);
    if (!reason) {
      kept.push_back(packet);
      continue;
    }
    dropped.add(*reason, 1);
    free_packets({&packet, 1});
  }
}

void SliceRuntime::count_drops(const ForwardingOutputs& outputs) {
  for (std::size_t i = 0; i < kDropReasons; ++i) {
    const auto reason = static_cast<DropReason>(i);
    if (outputs.dropped(reason) != 0) dropped.add(reason, outputs.dropped(reason));
  }
}

bool SliceRuntime::holds_packets() const {
  return std::ranges::any_of(attachments_, [](const Attachment& attachment) {
    return !attachment.input->queue.empty() || attachment.output->queued() > 0;
  });
}

uint64_t SliceRuntime::held_buffers() const {
  uint64_t sum = 0;
  for (const Attachment& attachment : attachments_)
    sum += attachment.input->queue.size() + attachment.output->held();
  return sum;
}

void SliceRuntime::drop_queued() {
  for (const Attachment& attachment : attachments_) {
    dropped.add(DropReason::shutdown, attachment.input->queue.drain());
    SliceOutput& output = *attachment.output;
    Burst burst;
    while (const uint32_t taken = output.ring.pop(burst.raw(), Burst::kCapacity)) {
      for (const Packet packet : std::span(burst.raw(), taken))
        output.count_drop(packet.state().pcp, packet.state().buffers, DropReason::shutdown);
      free_packets({burst.raw(), taken});
    }
  }
}

void SliceRuntime::prefetch() const {
  const uint64_t last_sent_to = last_sent_to_.load(std::memory_order_relaxed);
  for (std::size_t port = 0; port < attachments_.size(); ++port) {
    // Not for writing: it may be empty, and another worker's.
    __builtin_prefetch(attachments_[port].input.get());
    if ((last_sent_to >> port & 1) != 0) attachments_[port].output->prefetch_for_visit();
  }
  __builtin_prefetch(model_.get());
}

}  // namespace bulkhead
