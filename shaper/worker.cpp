// SPDX-License-Identifier: Apache-2.0
#include "shaper/worker.hpp"

#include <algorithm>
#include <array>
#include <bit>

#include "nic/clock.hpp"
#include "shaper/idler.hpp"

namespace bulkhead {
namespace {

constexpr uint32_t kReceiveBurst = 64;   // packets taken from a port in one visit
constexpr uint32_t kMostReceived = 256;  // packets taken where they are spread thinly over the same slices
constexpr uint32_t kPerVisit = 4;        // packets that a visit ought to find: it costs as much as they do
constexpr std::size_t kVisitsPerRound = 64;
constexpr std::size_t kTakenTogether = 16;  // slices; while it has taken them, no other worker visits them
constexpr std::size_t kAhead = 2;           // visits between fetching what a slice needs and visiting it
constexpr QueueId kSharedQueue{0};

/// Whether the next burst would give the slices that are ready more packets a visit: they have few, and the
/// last burst was mostly for slices that had some already.
bool more_would_join(const ReadySet& ready, uint32_t taken) {
  uint32_t slices = 0;
  for (std::size_t word = 0; word < ready.words(); ++word)
    slices += static_cast<uint32_t>(std::popcount(ready.marks(word)));
  return slices * kPerVisit > taken && slices * 2 <= taken + kReceiveBurst;
}

/// Nobody waits for a worker that has ended, in whatever way.
struct LeaveAtEnd {
  ~LeaveAtEnd() { layouts.leave(reader); }
  Published<Layout>& layouts;
  std::size_t reader;
};

}  // namespace

Worker::Worker(std::size_t number, const Shared& shared)
    : number_(number), shared_(shared), scratch_(kMaxPorts, shared.pool) {}

void Worker::run(WorkerTime& time) {
  const LeaveAtEnd leave{.layouts = shared_.layouts, .reader = number_};
  Idler idler;
  use_precise_naps();
  Cycles now = clock_now();
  while (true) {
    const Phase phase = shared_.phase.load(std::memory_order_acquire);
    if (phase == Phase::stopped) break;
    const Cycles start = now;
    const uint32_t moved = round(shared_.layouts.acquire(number_), now, phase == Phase::running);
    if (moved > 0) {
      idler.had_work();
    } else if (shared_.idle == IdlePolicy::nap) {
      idler.had_none(until_next_event(now));
    }
    now = clock_now();
    (moved > 0 ? time.busy : time.idle).add((now - start).count());
  }
}

uint32_t Worker::round(const Layout& layout, Cycles& now, bool receiving) {
  uint32_t moved = receiving ? receive(layout, now) : 0;
  // Receiving and demultiplexing are not the first slice's work.
  if (moved > 0) now = clock_now();
  moved += visit_slices(layout, now);
  moved += send(layout, now);
  return moved;
}

std::chrono::nanoseconds Worker::until_next_event(Cycles now) const {
  if (!next_event_) return std::chrono::nanoseconds::max();
  if (*next_event_ <= now) return std::chrono::nanoseconds{0};
  return to_nanoseconds(*next_event_ - now);
}

uint32_t Worker::receive(const Layout& layout, Cycles now) {
  uint32_t moved = 0;
  for (const Layout::PortPlace& place : layout.ports()) {
    if (!place.runtime->receive_claim.try_take()) continue;
    for (uint32_t taken = 0; taken < kMostReceived;) {
      Burst burst;
      const uint32_t got = place.runtime->port.receive(kSharedQueue, burst, kReceiveBurst, now);
      taken += got;
      moved += got;
      if (!burst.empty()) place.demultiplexer->run(burst);
      if (got < kReceiveBurst || !more_would_join(layout.ready(), taken)) break;
    }
    place.runtime->receive_claim.release();
  }
  return moved;
}

uint32_t Worker::visit_slices(const Layout& layout, Cycles& now) {
  uint32_t moved = 0;
  for (std::size_t visits = 0; visits < kVisitsPerRound; visits += kTakenTogether) {
    std::array<std::size_t, kTakenTogether> slices;
    const std::size_t count = layout.ready().take(turn_, slices);
    if (count == 0) break;
    moved += visit_these(layout, std::span(slices).first(count), now);
  }
  return moved;
}

uint32_t Worker::visit_these(const Layout& layout, std::span<const std::size_t> slices, Cycles& now) {
  // What the next visits will touch is fetched during this one: with thousands of slices, little of it is in
  // the cache.
  for (const std::size_t slice : slices) layout.slices()[slice]->prefetch_self();
  for (const std::size_t slice : slices) layout.slices()[slice]->prefetch_ports();
  for (const std::size_t slice : slices.first(std::min(kAhead, slices.size())))
    layout.slices()[slice]->prefetch();
  uint32_t moved = 0;
  std::array<uint64_t, kTakenTogether> sent_to{};
  uint64_t ports = 0;
  ClaimedPorts exits(layout.port_runtimes(), now);
  for (std::size_t i = 0; i < slices.size(); ++i) {
    if (i + kAhead < slices.size()) layout.slices()[slices[i + kAhead]]->prefetch();
    const SliceRuntime::Visit visit = visit_slice(layout, slices[i], now, exits);
    moved += visit.packets;
    sent_to[i] = visit.sent_to;
    ports |= visit.sent_to;
  }
  for_each_bit(ports, [&](uint32_t port) {
    layout.ports()[port].ready->mark_those(slices,
                                           [&](std::size_t i) { return (sent_to[i] >> port & 1) != 0; });
  });
  return moved;
}

SliceRuntime::Visit Worker::visit_slice(const Layout& layout, std::size_t slice, Cycles& now,
                                        ClaimedPorts& exits) {
  SliceRuntime& runtime = *layout.slices()[slice];
  if (!runtime.claim.try_take()) {
    layout.ready().mark(slice);  // whoever visits it now may have looked before the mark was made
    now = clock_now();
    return {};
  }
  const SliceRuntime::Visit visit = runtime.visit(now, scratch_, exits);
  if (visit.wants_more) layout.ready().mark(slice);
  // The end of a visit is the beginning of the next: one reading of the clock each.
  const Cycles end = clock_now();
  runtime.cycles.add((end - now).count());
  now = end;
  runtime.claim.release();
  return visit;
}

uint32_t Worker::send(const Layout& layout, Cycles& now) {
  uint32_t moved = 0;
  next_event_.reset();
  for (const Layout::PortPlace& place : layout.ports()) {
    if (!place.runtime->egress_claim.try_take()) continue;
    Egress& egress = place.runtime->egress;
    moved += egress.visit(*place.ready, place.outputs, now);
    const auto event = egress.next_event();
    if (event && (!next_event_ || *event < *next_event_)) next_event_ = event;
    place.runtime->egress_claim.release();
  }
  return moved;
}

}  // namespace bulkhead
