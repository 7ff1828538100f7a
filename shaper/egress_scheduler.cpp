// SPDX-License-Identifier: Apache-2.0
#include "shaper/egress_scheduler.hpp"

#include <algorithm>
#include <utility>

namespace bulkhead {
namespace {

constexpr uint16_t kNoLevel = UINT16_MAX;

bool is_limited(BitsPerSecond ceiling, BitsPerSecond speed) {
  return ceiling > BitsPerSecond{0} && ceiling < speed;
}

}  // namespace

EgressScheduler::EgressScheduler(const Options& options)
    : ahead_(fine(options.ahead.count())),
      largest_frame_(static_cast<uint32_t>(options.largest_frame.count())),
      slices_(options.slices),
      shares_(options.slices, options.largest_frame),
      guarantees_(options.slices, options.largest_frame),
      parked_(options.slices),
      ceilings_(options.slices),
      level_of_(options.slices, kNoLevel),
      options_(options),
      rates_(options.slices) {
  set_speed(options.speed);
}

void EgressScheduler::set_speed(BitsPerSecond speed) {
  const ByteCost old = port_cost_;
  options_.speed = speed;
  port_cost_ = ByteCost(speed, options_.hz);
  if (port_free_ > fine_now_)
    port_free_ = fine_now_ + port_cost_.time_of(old.bytes_in(port_free_ - fine_now_));
  const FineTime least = port_cost_.time_of(options_.largest_frame * 2);
  catch_up_ = options_.catch_up > Bytes{0} ? port_cost_.time_of(options_.catch_up)
                                           : std::max(fine(options_.hz / 10'000), least);
  for (std::size_t number = 0; number < rates_.size(); ++number)
    if (rates_[number].rates.burst > Bytes{0} || rates_[number] != SliceRates{})
      configure(SliceId{static_cast<uint16_t>(number)}, rates_[number]);
}

void EgressScheduler::grow(uint16_t slices) {
  slices_.resize(slices);
  shares_.grow(slices);
  guarantees_.grow(slices);
  parked_.grow(slices);
  ceilings_.resize(slices);
  level_of_.resize(slices, kNoLevel);
  rates_.resize(slices);
}

void EgressScheduler::configure(SliceId slice, const SliceRates& rates) {
  const uint16_t number = slice.value();
  rates_[number] = rates;
  shares_.set_weight(number, std::clamp(rates.rates.weight, 1u, kMaxWeight));
  guarantees_.set_guarantee(number, std::min(rates.rates.guarantee, options_.speed), options_.speed);
  configure_ceiling(number, rates.rates);
  configure_classes(number, rates);
  Slice& own = slices_[number];
  own.limited = own.capped || own.has_levels;
  own.guaranteed = rates.rates.guarantee > BitsPerSecond{0};
  if (own.parked)
    unpark(number);
  else if (own.backlog != 0)
    guarantees_.enter(number);
}

void EgressScheduler::configure_ceiling(uint16_t number, const Rates& rates) {
  Slice& own = slices_[number];
  const bool was_capped = own.capped;
  own.capped = is_limited(rates.ceiling, options_.speed);
  if (!own.capped) return;
  ceilings_[number].change(ByteCost(rates.ceiling, options_.hz), rates.burst, options_.largest_frame,
                           fine_now_);
  // What an unlimited slice has sent just now nobody counted: it starts with nothing.
  if (!was_capped && own.backlog != 0) ceilings_[number].exhaust(fine_now_, options_.largest_frame);
}

void EgressScheduler::configure_classes(uint16_t number, const SliceRates& rates) {
  Slice& own = slices_[number];
  own.has_levels = std::any_of(
      rates.classes.begin(), rates.classes.begin() + rates.class_count,
      [&](const ClassRates& each) { return !each.strict || is_limited(each.rates.ceiling, options_.speed); });
  if (!own.has_levels) return;
  if (level_of_[number] == kNoLevel) {
    level_of_[number] = static_cast<uint16_t>(levels_.size());
    levels_.emplace_back();
  }
  levels_[level_of_[number]].configure(rates, {options_.speed, options_.hz, options_.largest_frame},
                                       own.backlog, fine_now_);
}

void EgressScheduler::remove(SliceId slice) {
  const uint16_t number = slice.value();
  Slice& own = slices_[number];
  if (own.parked)
    parked_.remove(number);
  else if (own.backlog != 0)
    stop(number);
  // Whoever gets the number next owes nothing for this one.
  guarantees_.set_guarantee(number, BitsPerSecond{0}, options_.speed);
  ceilings_[number] = {};
  if (level_of_[number] != kNoLevel) levels_[level_of_[number]] = {};
  rates_[number] = {};
  own = {};
}

bool EgressScheduler::park(uint16_t number, FineTime until) {
  slices_[number].parked = true;
  stop(number);
  parked_.push(number, whole_cycles(until));
  return false;
}

void EgressScheduler::unpark(uint16_t number) {
  parked_.remove(number);
  slices_[number].parked = false;
  resume(number);
}

void EgressScheduler::rest() {
  if (port_free_ >= fine_now_) return;
  guarantees_.idle(port_cost_.bytes_in(fine_now_ - port_free_).count());
  shares_.forget_tags(
      [this](uint16_t number) { return slices_[number].backlog != 0 && !slices_[number].parked; });
  port_free_ = fine_now_;
}

void EgressScheduler::settle() {
  uint64_t done = in_flight_;
  if (!is_free()) done -= std::min(done, port_cost_.bytes_in(port_free_ - fine_now_).count());
  advance(static_cast<uint32_t>(done));
}

void EgressScheduler::wake() {
  while (!parked_.empty() && parked_.first_time() <= now_) unpark(parked_.first());
}

bool EgressScheduler::is_under_ceilings(uint16_t number) {
  const Slice& own = slices_[number];
  if (own.capped && !ceilings_[number].has_credit(fine_now_))
    return park(number, ceilings_[number].credit_at());
  if (!own.has_levels) return true;
  const ClassLevel& level = levels_[level_of_[number]];
  if (level.under_ceiling(own.backlog, fine_now_) != 0) return true;
  return park(number, level.credit_at(own.backlog));
}

uint32_t EgressScheduler::pick_class(uint16_t number) {
  ClassLevel& level = levels_[level_of_[number]];
  return level.pick(level.under_ceiling(slices_[number].backlog, fine_now_));
}

bool EgressScheduler::pick_next_by_level() {
  const uint16_t number = grant_.slice.value();
  ClassLevel& level = levels_[level_of_[number]];
  const uint8_t ready = level.under_ceiling(slices_[number].backlog, fine_now_);
  if (ready == 0) return false;
  grant_.class_number = static_cast<uint8_t>(level.pick(ready));
  return true;
}

void EgressScheduler::charge_class(Bytes sent) {
  const uint64_t run = largest_frame_ - grant_.allowed.count();
  levels_[level_of_[grant_.slice.value()]].charge(
      grant_.class_number, sent.count(), guarantees_.work() + (run << GuaranteeQueue::kWorkBits), fine_now_);
}

std::optional<Cycles> EgressScheduler::next_event() const {
  uint64_t when = now_;
  if (sendable_ == 0) {
    if (parked_.empty()) return std::nullopt;
    when = std::max(when, parked_.first_time());
  }
  if (port_free_ > ahead_) when = std::max(when, whole_cycles(port_free_ - ahead_));
  return last_now_ + Cycles{when - now_};
}

}  // namespace bulkhead
