// SPDX-License-Identifier: Apache-2.0
#include "shaper/cpu_scheduler.hpp"

#include <utility>

namespace bulkhead {
namespace {

constexpr BitsPerSecond kCore{CpuShare::kWholeCore};
constexpr uint64_t kPeriodsPerSecond = 1'000;  // a slice that was idle may exceed its cap for one period

}  // namespace

CpuScheduler::CpuScheduler(const Options& options)
    : options_(options),
      slices_(options.slices),
      shares_(options.slices, Bytes{options.turn.count()}),
      reserves_(options.slices, Bytes{options.turn.count()}),
      parked_(options.slices),
      caps_(options.slices) {}

void CpuScheduler::grow(uint16_t slices) {
  slices_.resize(slices);
  shares_.grow(slices);
  reserves_.grow(slices);
  parked_.grow(slices);
  caps_.resize(slices);
}

void CpuScheduler::configure(SliceId slice, const CpuShare& share) {
  const uint16_t number = slice.value();
  Slice& own = slices_[number];
  shares_.set_weight(number, std::clamp(share.weight, 1u, CpuShare::kMostWeight));
  reserves_.set_guarantee(number, BitsPerSecond{std::min(share.reserve, CpuShare::kWholeCore)}, kCore);
  own.reserved = share.reserve > 0;
  set_cap(number, share);
  if (own.parked)
    unpark(number);
  else if (own.has_work)
    reserves_.enter(number);
}

void CpuScheduler::set_cap(uint16_t number, const CpuShare& share) {
  Slice& own = slices_[number];
  const bool was_capped = own.capped;
  own.capped = share.is_capped();
  if (!own.capped) return;
  const Bytes turn{options_.turn.count()};
  // A byte is a cycle: a whole core does `hz` of them a second.
  const BitsPerSecond rate{options_.hz * 8 * *share.cap / CpuShare::kWholeCore};
  const Bytes period{options_.hz / kPeriodsPerSecond * *share.cap / CpuShare::kWholeCore};
  caps_[number].change(ByteCost(rate, options_.hz), period, turn, fine(now_));
  // What it has used just now nobody counted: it starts with nothing.
  if (!was_capped && own.has_work) caps_[number].exhaust(fine(now_), turn);
}

void CpuScheduler::remove(SliceId slice) {
  const uint16_t number = slice.value();
  Slice& own = slices_[number];
  if (own.parked)
    parked_.remove(number);
  else if (own.has_work)
    stop(number);
  reserves_.set_guarantee(number, BitsPerSecond{0}, kCore);
  caps_[number] = {};
  own = {};
}

void CpuScheduler::tick(Cycles now) {
  if (now > last_now_) now_ += (now - last_now_).count();
  last_now_ = now;
  if (!parked_.empty()) wake();
}

/// Nobody has had work since the clock was last looked at: nobody has lost by what others had.
void CpuScheduler::rest() {
  reserves_.idle(now_ - settled_);
  settled_ = now_;
  shares_.forget_tags(
      [this](uint16_t number) { return slices_[number].has_work && !slices_[number].parked; });
  ++epoch_;
}

void CpuScheduler::resume(uint16_t number) {
  if (runnable_++ == 0) rest();
  shares_.enter(number);
  if (slices_[number].reserved) reserves_.enter(number);
}

void CpuScheduler::stop(uint16_t number) {
  --runnable_;
  shares_.withdraw(number);
  if (slices_[number].reserved) reserves_.withdraw(number);
}

void CpuScheduler::wake() {
  while (!parked_.empty() && static_cast<int64_t>(parked_.first_time() - now_) <= 0) unpark(parked_.first());
}

void CpuScheduler::unpark(uint16_t number) {
  Slice& own = slices_[number];
  parked_.remove(number);
  own.parked = false;
  own.throttled += now_ - own.parked_at;
  resume(number);
}

void CpuScheduler::activate(SliceId slice, Cycles now) {
  Slice& own = slices_[slice.value()];
  if (own.has_work) return;
  tick(now);
  own.has_work = true;
  resume(slice.value());
}

/// Asked by the queues, where the answer counts; who is at its cap leaves them.
bool CpuScheduler::may_run(uint16_t number) {
  Slice& own = slices_[number];
  if (!own.has_work || own.parked) return false;
  if (!own.capped || caps_[number].has_credit(fine(now_))) return true;
  own.parked = true;
  own.parked_at = now_;
  stop(number);
  parked_.push(number, whole_cycles(caps_[number].credit_at()));
  return false;
}

uint16_t CpuScheduler::pick() {
  const auto wants = [this](uint16_t number) { return may_run(number); };
  uint16_t number = reserves_.empty() ? GuaranteeQueue::kNone : reserves_.take(wants);
  by_reserve_ = number != GuaranteeQueue::kNone;
  if (!by_reserve_) number = shares_.take(wants);
  return number;
}

uint64_t CpuScheduler::debt_of(Slice& slice) const {
  if (slice.debt_epoch != epoch_) slice.debt = 0;
  slice.debt_epoch = epoch_;
  return slice.debt;
}

std::optional<SliceId> CpuScheduler::next(Cycles now) {
  tick(now);
  while (runnable_ != 0) {
    current_ = pick();
    if (current_ == ShareQueue::kNone) break;
    Slice& own = slices_[current_];
    const uint64_t debt = debt_of(own);
    if (debt == 0) return SliceId{current_};
    const uint64_t part = std::min(debt, options_.turn.count());
    own.debt = debt - part;
    pay(part);
  }
  return std::nullopt;
}

void CpuScheduler::charge(Cycles cost, bool has_more, Cycles now) {
  tick(now);
  Slice& own = slices_[current_];
  if (own.capped) caps_[current_].charge(fine(now_), Bytes{cost.count()});
  const uint64_t part = std::min(cost.count(), options_.turn.count());
  own.debt = debt_of(own) + cost.count() - part;
  if (!has_more) {
    own.has_work = false;
    --runnable_;
    // The queue that it is served from sees that by itself.
    if (by_reserve_)
      shares_.withdraw(current_);
    else if (own.reserved)
      reserves_.withdraw(current_);
  }
  const uint64_t elapsed = now_ - std::exchange(settled_, now_);
  if (elapsed > cost.count() && !reserves_.empty()) reserves_.charge_rest(elapsed - cost.count());
  pay(part);
  reserves_.advance(elapsed);
}

/// The current slice's turn has cost so much, of time that has gone by before.
void CpuScheduler::pay(uint64_t cost) {
  if (by_reserve_) return reserves_.charge(current_, cost, slices_[current_].has_work);
  if (!reserves_.empty()) reserves_.charge_rest(cost);
  shares_.charge(current_, cost);
  shares_.advance(cost, [this](uint16_t number) { return may_run(number); });
}

std::optional<Cycles> CpuScheduler::next_event() const {
  if (parked_.empty()) return std::nullopt;
  const uint64_t when = parked_.first_time();
  return last_now_ + Cycles{when > now_ ? when - now_ : 0};
}

}  // namespace bulkhead
