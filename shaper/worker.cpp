// SPDX-License-Identifier: Apache-2.0
#include "shaper/worker.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "nic/clock.hpp"
#include "shaper/idler.hpp"
#include "shaper/receiving.hpp"

namespace bulkhead {
namespace {

constexpr std::size_t kVisitsPerRound = 64;
constexpr std::size_t kTurnsPerRound = 256;  // slices that are put to wait
constexpr std::size_t kTakenTogether = 16;   // slices; while it has taken them, no other worker visits them
constexpr std::size_t kHelpedTogether = 2;   // slices of other workers
constexpr std::size_t kTurnsTogether = 8;    // visits by turns for which the same ports are claimed
constexpr uint32_t kSentTogether = 64;       // packets: a visit more still fits behind one less
constexpr uint32_t kFew = 4;                 // packets that leave at once: with more to do, more come
constexpr std::size_t kAhead = 2;            // visits between fetching what a slice needs and visiting it
constexpr std::size_t kLookedAt = 16;        // slices with a reserve, to find one that does not wait already

/// Nobody waits for a worker that has ended, in whatever way.
struct LeaveAtEnd {
  ~LeaveAtEnd() { layouts.leave(reader); }
  Published<Layout>& layouts;
  std::size_t reader;
};

}  // namespace

Worker::Worker(std::size_t number, const Shared& shared)
    : number_(number),
      shared_(shared),
      scratch_(kMaxPorts, shared.pool),
      budgets_(clock_hz()),
      longest_visit_(to_cycles(shared.longest_visit)),
      longest_round_(to_cycles(shared.longest_round)) {
  // So that the worker has nothing to allocate when it starts.
  budgets_.adopt(shared.layouts.current());
}

void Worker::run(WorkerTime& time) {
  const LeaveAtEnd leave{.layouts = shared_.layouts, .reader = number_};
  Idler idler;
  use_precise_naps();
  CpuMeter meter(clock_now());
  meter.watch_for_theft();
  accounted_.now = meter.now();
  has_failed_ = true;  // until it has ended as it should
  while (true) {
    const Phase phase = shared_.phase.load(std::memory_order_acquire);
    if (phase == Phase::stopped) break;
    const uint32_t moved = round(shared_.layouts.acquire(number_), meter, phase == Phase::running);
    if (moved > 0) {
      idler.had_work();
    } else if (shared_.idle == IdlePolicy::nap) {
      if (idler.had_none(until_next_event(meter.now()))) meter.slept();
    }
    (void)meter.lap();
    account(time, meter, moved > 0);
  }
  has_failed_ = false;
}

void Worker::account(WorkerTime& time, const CpuMeter& meter, bool was_busy) {
  const uint64_t stolen = meter.stolen() - accounted_.stolen;
  const uint64_t all = (meter.now() - accounted_.now).count();
  // What is found to be stolen may have begun before the time that is accounted for here.
  const uint64_t rest = all - std::min(all, stolen);
  (was_busy ? time.busy : time.idle).add(rest);
  if (stolen > 0) time.stolen.add(all - rest);
  time.slices.add(meter.charged() - accounted_.charged);
  accounted_ = {.now = meter.now(), .charged = meter.charged(), .stolen = accounted_.stolen + (all - rest)};
}

uint32_t Worker::round(const Layout& layout, CpuMeter& meter, bool receiving) {
  budgets_.adopt(layout);
  uint32_t moved = 0;
  if (receiving)
    moved += receive_shared(layout, meter, {.overload = budgets_.is_contended(), .longest = half_round()});
  receiving_ = receiving;
  if (receiving && layout.own_queue_count() > 0)
    layout.mark_own([&](std::size_t word) { return layout.homes().mask(number_, word); });
  moved += visit_slices(layout, meter);
  if (moved == 0 && layout.homes().workers() > 1) moved += help_others(layout, meter);
  moved += send(layout, meter);
  return moved;
}

std::chrono::nanoseconds Worker::until_next_event(Cycles now) const {
  std::optional<Cycles> next = budgets_.next_event();
  if (!next || (next_event_ && *next_event_ < *next)) next = next_event_;
  if (!next) return std::chrono::nanoseconds::max();
  if (*next <= now) return std::chrono::nanoseconds{0};
  return to_nanoseconds(*next - now);
}

/// Slices that are ready and at home here; returns how many.
std::size_t Worker::take_ready(const Layout& layout, std::span<std::size_t> slices) {
  return layout.ready().take(turn_, slices,
                             [&](std::size_t word) { return layout.homes().mask(number_, word); });
}

/// Those of the slices that need a turn are to wait for it; the others, moved to the front, are counted.
std::size_t Worker::put_to_wait(const Layout& layout, std::span<std::size_t> slices, Cycles now) {
  const auto waits = [&](std::size_t slice) {
    const bool needs_turn = budgets_.needs_turn(layout, slice);
    if (needs_turn) budgets_.wait(layout, slice, now);
    return needs_turn;
  };
  return static_cast<std::size_t>(std::ranges::remove_if(slices, waits).begin() - slices.begin());
}

uint32_t Worker::visit_slices(const Layout& layout, CpuMeter& meter) {
  uint32_t moved = 0;
  (void)meter.lap();  // to look for packets where none came is no slice's doing
  const Cycles end = meter.now() + longest_round_;
  bool want_more = false;
  const bool may_wait = budgets_.is_contended() || layout.any_capped();
  const std::size_t most = budgets_.is_contended() ? kTurnsPerRound : kVisitsPerRound;
  std::size_t taken = 0;
  while (taken < most && meter.now() < end) {
    std::array<std::size_t, kTakenTogether> slices;
    const std::size_t count = take_ready(layout, slices);
    if (count == 0) break;
    taken += count;
    const auto some = std::span(slices).first(count);
    const std::size_t here = may_wait ? put_to_wait(layout, some, meter.now()) : count;
    if (here == 0) continue;
    const Visits visits = visit_and_send(layout, some.first(here), meter, end);
    moved += visits.packets;
    want_more = want_more || visits.want_more;
  }
  if (want_more && meter.now() >= end) budgets_.contend();
  // Whoever waits has half a round at least, however long the others took.
  if (!budgets_.nobody_waits())
    moved += visit_waiting(layout, meter, std::max(end, meter.now() + half_round()));
  return moved;
}

/// Visits all of them, and sends as often as there is enough.
Worker::Visits Worker::visit_and_send(const Layout& layout, std::span<const std::size_t> slices,
                                      CpuMeter& meter, Cycles end) {
  Visits all;
  while (all.slices < slices.size()) {
    const Visits visits = visit_these(layout, slices.subspan(all.slices), meter, end);
    all.slices += visits.slices;
    all.packets += visits.packets;
    all.packets += visits.urgent ? send(layout, meter) : send_enough(layout, visits.packets, meter);
    (void)meter.lap();  // to send is the doing of those whose packets left
    all.want_more = all.want_more || visits.want_more;
  }
  return all;
}

/// Visits slices until there is enough to send, or something that is not to wait; one at least.
Worker::Visits Worker::visit_these(const Layout& layout, std::span<const std::size_t> slices, CpuMeter& meter,
                                   Cycles end) {
  // What the next visits will touch is fetched during this one: with thousands of slices, little of it is in
  // the cache.
  for (const std::size_t slice : slices) layout.slices()[slice]->prefetch_self();
  for (const std::size_t slice : slices) layout.slices()[slice]->prefetch_ports();
  for (const std::size_t slice : slices.first(std::min(kAhead, slices.size())))
    layout.slices()[slice]->prefetch();
  Visits visits;
  std::array<uint64_t, kTakenTogether> sent_to{};
  uint64_t ports = 0;
  ClaimedPorts exits(layout.port_runtimes(), meter.now());
  while (visits.slices < slices.size() && visits.packets < kSentTogether && !visits.urgent) {
    const std::size_t i = visits.slices++;
    if (meter.now() >= end) [[unlikely]] {
      for (const std::size_t slice : slices.subspan(i)) layout.ready().mark(slice);
      visits.slices = slices.size();
      break;
    }
    if (i + kAhead < slices.size()) layout.slices()[slices[i + kAhead]]->prefetch();
    const SliceRuntime::Visit visit = visit_slice(layout, slices[i], meter, exits);
    visits.packets += visit.packets;
    visits.want_more = visits.want_more || visit.wants_more;
    // What the shared queue brings comes in bursts of all, and can leave so.
    visits.urgent =
        visit.packets <= kFew && !layout.own_queues(slices[i]).empty() && is_urgent(layout, slices[i], visit);
    sent_to[i] = visit.sent_to;
    ports |= visit.sent_to;
  }
  for_each_bit(ports, [&](uint32_t port) {
    layout.ports()[port].ready->mark_those(slices,
                                           [&](std::size_t i) { return (sent_to[i] >> port & 1) != 0; });
  });
  return visits;
}

/// Visits by turns, until the round is over or nobody may be visited.
uint32_t Worker::visit_waiting(const Layout& layout, CpuMeter& meter, Cycles end) {
  uint32_t moved = 0;
  bool want_more = false;
  while (meter.now() < end) {
    const Turns turns = take_turns(layout, meter, end);
    moved += turns.visits.packets;
    want_more = want_more || turns.visits.want_more;
    if (turns.are_over) return moved;  // and is not contended any more
    if (turns.visits.packets == 0) continue;
    moved += turns.visits.urgent ? send(layout, meter) : send_enough(layout, turns.visits.packets, meter);
    (void)meter.lap();  // to send is the doing of those whose packets left
  }
  // Many with a little each: turns would only cost time.
  if (!want_more) budgets_.relax();
  return moved;
}

/// A few visits by turns, with the same ports claimed for all of them.
Worker::Turns Worker::take_turns(const Layout& layout, CpuMeter& meter, Cycles end) {
  Turns turns;
  ClaimedPorts exits(layout.port_runtimes(), meter.now());
  Visits& visits = turns.visits;
  for (; visits.slices < kTurnsTogether && visits.packets < kSentTogether && !visits.urgent;
       ++visits.slices) {
    if (meter.now() >= end) break;
    const auto slice = budgets_.next(meter.now());
    if (!slice) {
      turns.are_over = true;
      break;
    }
    SliceRuntime& runtime = *layout.slices()[*slice];
    if (!layout.homes().is_home(number_, *slice) || !runtime.claim.try_take()) {
      layout.ready().mark(*slice);  // for its new worker, or for when the present visit has ended
      budgets_.pass_over(layout, *slice, meter.now());
      continue;
    }
    budgets_.begin(runtime);
    const SliceRuntime::Visit visit = visit_claimed(layout, *slice, meter, exits);
    budgets_.end(layout, *slice, visit.wants_more, meter.now());
    runtime.claim.release();
    for_each_bit(visit.sent_to, [&](uint32_t port) { layout.ports()[port].ready->mark(*slice); });
    visits.packets += visit.packets;
    visits.want_more = visits.want_more || visit.wants_more;
    if (visit.packets == 0) continue;
    visits.urgent = is_urgent(layout, *slice, visit);
    look_for_reserved(layout, meter.now());
  }
  return turns;
}

/// Who keeps within its reserve waits for nobody's packets.
bool Worker::is_urgent(const Layout& layout, std::size_t slice, const SliceRuntime::Visit& visit) {
  return visit.packets > 0 && !visit.wants_more && layout.is_reserved(slice);
}

/// Nobody says when packets come to a slice's own queues: a slice within its reserve would wait for the next
/// round, however much the others have to do in this one. So between turns, one such slice has a turn to
/// look.
void Worker::look_for_reserved(const Layout& layout, Cycles now) {
  if (!receiving_ || !budgets_.is_contended()) return;
  const std::span<const uint16_t> reserved = layout.reserved_own();
  for (std::size_t n = 0; n < std::min(reserved.size(), kLookedAt); ++n) {
    if (++looked_for_ >= reserved.size()) looked_for_ = 0;
    const std::size_t slice = reserved[looked_for_];
    if (!layout.homes().is_home(number_, slice) || budgets_.waits(layout, slice)) continue;
    return budgets_.wait(layout, slice, now);
  }
}

/// Visits slices of workers that have more to do.
uint32_t Worker::help_others(const Layout& layout, CpuMeter& meter) {
  std::array<std::size_t, kHelpedTogether> room;
  const auto theirs = [&](std::size_t word) {
    return ~layout.homes().mask(number_, word) & ~layout.capped(word);
  };
  const std::size_t count = layout.ready().take(turn_, room, theirs);
  if (count == 0) return 0;
  return visit_and_send(layout, std::span(room).first(count), meter, meter.now() + longest_round_).packets;
}

SliceRuntime::Visit Worker::visit_slice(const Layout& layout, std::size_t slice, CpuMeter& meter,
                                        ClaimedPorts& exits) {
  SliceRuntime& runtime = *layout.slices()[slice];
  if (!runtime.claim.try_take()) {
    layout.ready().mark(slice);  // whoever visits it now may have looked before the mark was made
    (void)meter.lap();
    return {};
  }
  const SliceRuntime::Visit visit = visit_claimed(layout, slice, meter, exits);
  runtime.claim.release();
  return visit;
}

SliceRuntime::Visit Worker::visit_claimed(const Layout& layout, std::size_t slice, CpuMeter& meter,
                                          ClaimedPorts& exits) {
  SliceRuntime& runtime = *layout.slices()[slice];
  const auto own = receiving_ ? layout.own_queues(slice) : std::span<const SliceRuntime::OwnIngress>{};
  const SliceRuntime::Visit visit = runtime.visit(meter.now(), scratch_, exits, own);
  if (visit.wants_more) layout.ready().mark(slice);
  // The end of a visit is the beginning of the next: one reading of the clock each.
  const Cycles cost = meter.lap();
  // Looking into queues where nothing came is the pool's own doing, and idleness where nobody had anything.
  if (visit.packets == 0 && !own.empty()) return visit;
  meter.charge(cost.count());
  runtime.adapt(cost, longest_visit_);
  const bool is_home = layout.homes().is_home(number_, slice);
  (is_home ? runtime.cycles : runtime.cycles_elsewhere).add(cost.count());
  return visit;
}

/// After so many more packets were forwarded: sends, where that makes enough.
uint32_t Worker::send_enough(const Layout& layout, uint32_t more, CpuMeter& meter) {
  unsent_ += more;
  return unsent_ >= kSentTogether ? send(layout, meter) : 0;
}

uint32_t Worker::send(const Layout& layout, CpuMeter& meter) {
  uint32_t moved = 0;
  unsent_ = 0;
  next_event_.reset();
  for (const Layout::PortPlace& place : layout.ports()) {
    if (!place.runtime->egress_claim.try_take()) continue;
    Egress& egress = place.runtime->egress;
    place.runtime->changes.make_some(egress);
    moved += egress.visit(*place.ready, place.outputs, meter);
    const auto event = egress.next_event();
    if (event && (!next_event_ || *event < *next_event_)) next_event_ = event;
    place.runtime->egress_claim.release();
  }
  return moved;
}

}  // namespace bulkhead
