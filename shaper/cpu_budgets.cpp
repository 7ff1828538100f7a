// SPDX-License-Identifier: Apache-2.0
#include "shaper/cpu_budgets.hpp"

#include <algorithm>
#include <utility>

namespace bulkhead {
namespace {

// A turn: what one visit should take at most, and more of it is paid by being passed over.
constexpr uint64_t kTurnsPerSecond = 1'000'000 / kVisitMicroseconds;

}  // namespace

CpuBudgets::CpuBudgets(uint64_t hz)
    : scheduler_({.hz = hz,
                  .turn = std::min(Cycles{hz / kTurnsPerSecond}, CpuScheduler::kLongestTurn),
                  .slices = 0}) {}

void CpuBudgets::adopt(const Layout& layout) {
  if (&layout == adopted_) return;
  adopted_ = &layout;
  ++adoptions_;
  if (layout.cpu_slots() > members_.size()) {
    members_.resize(layout.cpu_slots());
    scheduler_.grow(static_cast<uint16_t>(layout.cpu_slots()));
  }
  // All packets wait meanwhile: nothing of a slice that stays as it was is looked at.
  for (std::size_t slice = 0; slice < layout.slices().size(); ++slice) {
    const SliceRuntime* const runtime = layout.slices()[slice].get();
    const uint16_t slot = layout.cpu_slot(slice);
    Member& member = members_[slot];
    member.adoption = adoptions_;
    member.slice = static_cast<uint16_t>(slice);
    const CpuShare& share = layout.cpu_share(slice);
    if (member.runtime == runtime && member.share == share) continue;
    if (member.runtime != nullptr && member.runtime != runtime) {
      scheduler_.remove(SliceId{slot});
      member.throttled = 0;
    }
    member.runtime = runtime;
    member.share = share;
    member.epoch = 0;
    scheduler_.configure(SliceId{slot}, share);
  }
  for (std::size_t slot = 0; slot < members_.size(); ++slot)
    if (members_[slot].runtime != nullptr && members_[slot].adoption != adoptions_)
      leave(static_cast<uint16_t>(slot));
}

void CpuBudgets::leave(uint16_t slot) {
  scheduler_.remove(SliceId{slot});
  members_[slot] = {};
}

void CpuBudgets::contend() {
  if (contended_) return;
  contended_ = true;
  ++epoch_;
}

void CpuBudgets::wait(const Layout& layout, std::size_t slice, Cycles now) {
  scheduler_.activate(SliceId{layout.cpu_slot(slice)}, now);
  if (!layout.over_budget().is_marked(slice)) layout.over_budget().mark(slice);
}

std::optional<std::size_t> CpuBudgets::next(Cycles now) {
  if (const auto slot = scheduler_.next(now)) return members_[slot->value()].slice;
  relax();  // who still waits does so for a cap
  return std::nullopt;
}

void CpuBudgets::begin(const SliceRuntime& slice) {
  Member& member = members_[slice.cpu_slot];
  // What it cost while everybody had what they wanted, it owes nobody. With a cap it owes all. What it cost
  // while it was at home with another worker, it has paid there.
  const uint32_t moves = slice.moves.load(std::memory_order_acquire);
  const bool was_away = std::exchange(member.moves, moves) != moves;
  const bool owes = !was_away && (member.share.is_capped() ? member.epoch != 0 : member.epoch == epoch_);
  member.epoch = epoch_;
  if (!owes) member.paid = slice.charges();
}

void CpuBudgets::end(const Layout& layout, std::size_t slice, bool wants_more, Cycles now) {
  SliceRuntime& runtime = *layout.slices()[slice];
  Member& member = members_[runtime.cpu_slot];
  if (member.share.is_capped()) {
    const uint64_t throttled = scheduler_.throttled(SliceId{runtime.cpu_slot}).count();
    runtime.throttled.add(throttled - std::exchange(member.throttled, throttled));
  }
  const uint64_t charges = runtime.charges();
  scheduler_.charge(Cycles{charges - member.paid}, wants_more, now);
  member.paid = charges;
  if (!wants_more) layout.over_budget().unmark(slice);
}

void CpuBudgets::pass_over(const Layout& layout, std::size_t slice, Cycles now) {
  scheduler_.charge(Cycles{0}, false, now);
  layout.over_budget().unmark(slice);
}

}  // namespace bulkhead
