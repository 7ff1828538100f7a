// SPDX-License-Identifier: Apache-2.0
#include "shaper/class_level.hpp"

#include <algorithm>

#include "classifier/ready_set.hpp"

namespace bulkhead {
namespace {

using Wide = unsigned __int128;

// Bytes on the guarantees' clock, as on the port's, and on the shares' for each unit of weight.
constexpr unsigned kWorkBits = 16;
constexpr unsigned kVirtualBits = 32;
// Fractions of the port's speed. A byte's time has so many more bits than its clock.
constexpr unsigned kFractionBits = 31;
constexpr unsigned kByteBits = 14;

bool has_come(uint64_t time, uint64_t clock) { return static_cast<int64_t>(clock - time) >= 0; }
bool before(uint64_t a, uint64_t b) { return static_cast<int64_t>(a - b) < 0; }
uint64_t time_of(uint64_t bytes, uint64_t byte) {
  return static_cast<uint64_t>((Wide{bytes} * byte) >> kByteBits);
}

}  // namespace

/// A class that is in the ideal stays there, with the tag it has.
void ClassLevel::set_rate(Account& account, uint32_t number, uint32_t part, uint64_t byte, uint64_t run) {
  if ((account.active & 1u << number) != 0) account.parts += uint64_t{part} - account.part[number];
  account.part[number] = part;
  account.byte[number] = byte;
  account.run[number] = run;
  // Its present run never takes longer than it would now.
  if (before(account.clock + run, account.start[number])) account.start[number] = account.clock + run;
}

void ClassLevel::configure(const SliceRates& slice, const Place& place, uint8_t backlog, FineTime now) {
  largest_frame_ = place.largest_frame.count();
  strict_ = guaranteed_ = 0;
  for (uint32_t number = 0; number < slice.class_count; ++number) {
    const ClassRates& wanted = slice.classes[number];
    const auto bit = static_cast<uint8_t>(1u << number);
    if (wanted.strict) strict_ |= bit;
    const uint32_t weight = std::max(wanted.rates.weight, 1u);
    set_rate(shares_, number, weight, (uint64_t{1} << (kVirtualBits + kByteBits)) / weight,
             (largest_frame_ << kVirtualBits) / weight);
    const uint64_t guarantee = wanted.strict ? 0 : wanted.rates.guarantee.count();
    if (guarantee == 0) {
      leave(guarantees_, number);
    } else {
      guaranteed_ |= bit;
      const auto byte =
          static_cast<uint64_t>((Wide{place.speed.count()} << (kWorkBits + kByteBits)) / guarantee);
      const auto part = static_cast<uint32_t>((Wide{guarantee} << kFractionBits) / place.speed.count());
      set_rate(guarantees_, number, part, byte, time_of(largest_frame_, byte));
    }
    const BitsPerSecond ceiling = wanted.rates.ceiling;
    if (ceiling == BitsPerSecond{0} || ceiling >= place.speed) {
      capped_ = static_cast<uint8_t>(capped_ & ~bit);
      continue;
    }
    ceilings_[number].change(ByteCost(ceiling, place.hz), wanted.rates.burst, place.largest_frame, now);
    if ((capped_ & bit) == 0 && (backlog & bit) != 0) ceilings_[number].exhaust(now, place.largest_frame);
    capped_ |= bit;
  }
}

FineTime ClassLevel::credit_at(uint8_t backlog) const {
  FineTime first = ~FineTime{0};
  for_each_bit(backlog, [&](uint32_t number) { first = std::min(first, ceilings_[number].credit_at()); });
  return first;
}

void ClassLevel::leave(Account& account, uint32_t number) {
  const auto bit = static_cast<uint8_t>(1u << number);
  if ((account.active & bit) == 0) return;
  account.active = static_cast<uint8_t>(account.active & ~bit);
  account.parts -= account.part[number];
}

/// Who cannot send now stays in the ideal as long as it is ahead of it; what it was owed lapses. Who can, and
/// was not there, starts at the present.
void ClassLevel::see(Account& account, uint8_t ready) {
  for_each_bit(account.active & ~ready, [&](uint32_t number) {
    if (has_come(account.start[number], account.clock)) leave(account, number);
  });
  for_each_bit(ready & ~account.active, [&](uint32_t number) {
    account.start[number] = account.clock;
    account.parts += account.part[number];
  });
  account.active |= ready;
}

/// Among those whose run has started in the ideal, the one whose run ends first there; kNone: none has.
uint32_t ClassLevel::first_to_finish(const Account& account, uint8_t ready) {
  uint32_t best = kNone;
  uint64_t first = 0;
  for_each_bit(ready, [&](uint32_t number) {
    if (!has_come(account.start[number], account.clock)) return;
    const uint64_t finish = account.start[number] + account.run[number];
    if (best != kNone && !before(finish, first)) return;
    best = number;
    first = finish;
  });
  return best;
}

uint32_t ClassLevel::pick_by_share(uint8_t ready) {
  see(shares_, ready);
  if (const uint32_t best = first_to_finish(shares_, ready); best != kNone) return best;
  // All are ahead of the ideal, which moves on to where someone starts.
  auto first = static_cast<uint32_t>(std::countr_zero(ready));
  for_each_bit(ready, [&](uint32_t number) {
    if (before(shares_.start[number], shares_.start[first])) first = number;
  });
  shares_.clock = shares_.start[first];
  return first;
}

uint32_t ClassLevel::pick(uint8_t ready) {
  if (const uint32_t strict = ready & strict_) return static_cast<uint32_t>(std::countr_zero(strict));
  by_guarantee_ = false;
  const auto guaranteed = static_cast<uint8_t>(ready & guaranteed_);
  if ((guaranteed | guarantees_.active) != 0) {
    see(guarantees_, guaranteed);
    // Many guarantees that are due at once do not keep the others waiting for more than a frame.
    if (owed_ <= static_cast<int64_t>(largest_frame_ << kWorkBits)) {
      const uint32_t best = first_to_finish(guarantees_, guaranteed);
      by_guarantee_ = best != kNone;
      if (by_guarantee_) return best;
    }
  }
  return pick_by_share(ready);
}

/// Moves the guarantees' clock on: with the port's work, but not faster than the classes are served. What it
/// lacks then, while strict classes and other slices are served, it makes up for with the next frames, up to
/// two of them.
void ClassLevel::charge_guarantees(uint64_t bytes, uint64_t work) {
  const uint64_t amount = bytes << kWorkBits;
  uint64_t elapsed = work - last_work_;
  auto guaranteed = static_cast<uint64_t>((Wide{elapsed} * guarantees_.parts) >> kFractionBits);
  if (guaranteed > amount) {
    elapsed = static_cast<uint64_t>((Wide{amount} << kFractionBits) / guarantees_.parts);
    guaranteed = amount;
    const auto longest =
        static_cast<uint64_t>((Wide{2 * largest_frame_ << kWorkBits} << kFractionBits) / guarantees_.parts);
    last_work_ = work - std::min(work - last_work_ - elapsed, longest);
  } else {
    last_work_ = work;
  }
  guarantees_.clock += elapsed;
  const auto most = static_cast<int64_t>(largest_frame_ << (kWorkBits + 1));
  owed_ = std::clamp(owed_ + static_cast<int64_t>(amount - guaranteed - (by_guarantee_ ? 0 : amount)), -most,
                     most);
}

void ClassLevel::charge(uint32_t number, uint64_t bytes, uint64_t work, FineTime now) {
  if ((capped_ & 1u << number) != 0) ceilings_[number].charge(now, Bytes{bytes});
  if ((strict_ & 1u << number) != 0) return;
  if (guarantees_.active != 0)
    charge_guarantees(bytes, work);
  else
    last_work_ = work;
  if (by_guarantee_) {
    guarantees_.start[number] += time_of(bytes, guarantees_.byte[number]);
  } else {
    shares_.start[number] += time_of(bytes, shares_.byte[number]);
    shares_.clock += (bytes << kVirtualBits) / shares_.parts;
  }
}

}  // namespace bulkhead
