// SPDX-License-Identifier: Apache-2.0
#include "shaper/worker.hpp"

#include <algorithm>
#include <array>

#include "nic/clock.hpp"
#include "shaper/idler.hpp"

namespace bulkhead {
namespace {

constexpr uint32_t kReceiveBurst = 32;  // packets taken from a port in one visit
constexpr std::size_t kVisitsPerRound = 64;
constexpr std::size_t kAhead = 2;  // visits between fetching what a slice needs and visiting it
constexpr QueueId kSharedQueue{0};

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
      idler.had_none();
    }
    now = clock_now();
    (moved > 0 ? time.busy : time.idle).add((now - start).count());
  }
}

uint32_t Worker::round(const Layout& layout, Cycles& now, bool receiving) {
  uint32_t moved = receiving ? receive(layout, now) : 0;
  moved += visit_slices(layout, now);
  moved += send(layout);
  return moved;
}

uint32_t Worker::receive(const Layout& layout, Cycles now) {
  uint32_t moved = 0;
  for (const Layout::PortPlace& place : layout.ports()) {
    if (!place.runtime->receive_claim.try_take()) continue;
    Burst burst;
    moved += place.runtime->port.receive(kSharedQueue, burst, kReceiveBurst, now);
    if (!burst.empty()) place.demultiplexer->run(burst);
    place.runtime->receive_claim.release();
  }
  return moved;
}

uint32_t Worker::visit_slices(const Layout& layout, Cycles& now) {
  // Collected first, so that what the next visits will touch can be fetched during this one: with thousands
  // of slices, little of it is in the cache.
  std::array<std::size_t, kVisitsPerRound> slices;
  std::size_t count = 0;
  layout.ready().in_turn(turn_, [&](std::size_t slice) {
    if (count == slices.size()) return false;
    slices[count++] = slice;
    __builtin_prefetch(layout.slices()[slice].get());
    return true;
  });
  uint32_t moved = 0;
  for (std::size_t i = 0; i < std::min(kAhead, count); ++i) layout.slices()[slices[i]]->prefetch();
  for (std::size_t i = 0; i < count; ++i) {
    if (i + kAhead < count) layout.slices()[slices[i + kAhead]]->prefetch();
    moved += visit_slice(layout, slices[i], now);
  }
  return moved;
}

uint32_t Worker::visit_slice(const Layout& layout, std::size_t slice, Cycles& now) {
  SliceRuntime& runtime = *layout.slices()[slice];
  if (!runtime.claim.try_take()) return 0;
  layout.ready().unmark(slice);
  uint64_t sent_to = 0;
  const uint32_t moved = runtime.visit(now, scratch_, sent_to);
  if (runtime.has_input()) layout.ready().mark(slice);
  for_each_bit(sent_to, [&](uint32_t port) { layout.ports()[port].ready->mark(slice); });
  // The end of a visit is the beginning of the next: one reading of the clock each.
  const Cycles end = clock_now();
  runtime.cycles.add((end - now).count());
  now = end;
  runtime.claim.release();
  return moved;
}

uint32_t Worker::send(const Layout& layout) {
  uint32_t moved = 0;
  for (const Layout::PortPlace& place : layout.ports()) {
    if (!place.runtime->egress_claim.try_take()) continue;
    moved += place.runtime->egress.visit(*place.ready, place.outputs);
    place.runtime->egress_claim.release();
  }
  return moved;
}

}  // namespace bulkhead
