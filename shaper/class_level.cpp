// SPDX-License-Identifier: Apache-2.0
#include "shaper/class_level.hpp"

#include "classifier/ready_set.hpp"

namespace bulkhead {
namespace {

constexpr unsigned kWorkBits = 16;
constexpr unsigned kFractionBits = 32;
using Wide = __int128;

}  // namespace

void ClassLevel::configure(const SliceRates& slice, const Place& place, uint8_t backlog, FineTime now) {
  largest_frame_ = place.largest_frame.count();
  strict_ = 0;
  for (std::size_t number = 0; number < slice.class_count; ++number) {
    const ClassRates& wanted = slice.classes[number];
    Class& own = classes_[number];
    const auto bit = static_cast<uint8_t>(1u << number);
    if (wanted.strict) strict_ |= bit;
    own.weight = wanted.rates.weight;
    own.fraction =
        static_cast<uint64_t>((Wide{wanted.rates.guarantee.count()} << kFractionBits) / place.speed.count());
    const BitsPerSecond ceiling = wanted.rates.ceiling;
    if (ceiling == BitsPerSecond{0} || ceiling >= place.speed) {
      capped_ = static_cast<uint8_t>(capped_ & ~bit);
      continue;
    }
    own.ceiling.change(ByteCost(ceiling, place.hz), wanted.rates.burst, place.largest_frame, now);
    if ((capped_ & bit) == 0 && (backlog & bit) != 0) own.ceiling.exhaust(now, place.largest_frame);
    capped_ |= bit;
  }
}

FineTime ClassLevel::credit_at(uint8_t backlog) const {
  FineTime first = ~FineTime{0};
  for_each_bit(backlog,
               [&](uint32_t number) { first = std::min(first, classes_[number].ceiling.credit_at()); });
  return first;
}

template <class Give>
void ClassLevel::divide(uint64_t bytes, uint64_t work, Give give) {
  const uint64_t elapsed = work - last_work_;
  uint64_t guaranteed = 0;
  uint64_t weights = 0;
  for_each_bit(served_, [&](uint32_t number) {
    guaranteed += static_cast<uint64_t>((Wide{elapsed} * classes_[number].fraction) >> kFractionBits);
    weights += classes_[number].weight;
  });
  const uint64_t amount = bytes << kWorkBits;
  const uint64_t rest = amount > guaranteed ? amount - guaranteed : 0;
  for_each_bit(served_, [&](uint32_t number) {
    const Class& own = classes_[number];
    auto part = static_cast<uint64_t>((Wide{elapsed} * own.fraction) >> kFractionBits);
    // Less than the guarantees, because strict classes have taken the slice's: in proportion to them.
    if (guaranteed > amount) part = static_cast<uint64_t>(Wide{part} * amount / guaranteed);
    if (rest > 0) part += rest * own.weight / weights;
    give(number, static_cast<int64_t>(part));
  });
}

void ClassLevel::see(uint8_t ready, uint64_t work) {
  // Who cannot send now is still being served by the ideal if we are ahead of it; what it was owed lapses.
  for (uint32_t number = 0; number < kMaxClasses; ++number) {
    const auto bit = static_cast<uint8_t>(1u << number);
    Class& own = classes_[number];
    if ((ready & bit) == 0 && own.due >= 0) own.due = 0;
    served_ = static_cast<uint8_t>((ready & bit) != 0 || own.due < 0 ? served_ | bit : served_ & ~bit);
  }
  divide(largest_frame_, work + (largest_frame_ << kWorkBits),
         [&](uint32_t number, int64_t part) { classes_[number].pace = std::max<int64_t>(part, 1); });
}

void ClassLevel::catch_up(uint8_t ready) {
  const Class* first = nullptr;
  for_each_bit(ready, [&](uint32_t number) {
    const Class& own = classes_[number];
    if (first == nullptr || Wide{-own.due} * first->pace < Wide{-first->due} * own.pace) first = &own;
  });
  const int64_t ahead = -first->due;
  const int64_t pace = first->pace;
  if (ahead <= 0) return;
  for_each_bit(served_, [&](uint32_t number) {
    classes_[number].due += static_cast<int64_t>(Wide{classes_[number].pace} * ahead / pace);
  });
}

uint32_t ClassLevel::pick(uint8_t ready, uint64_t work) {
  if (const uint32_t strict = ready & strict_) return static_cast<uint32_t>(std::countr_zero(strict));
  see(ready, work);
  catch_up(ready);
  const auto run = static_cast<int64_t>(largest_frame_ << kWorkBits);
  const Class* best = nullptr;
  for_each_bit(ready, [&](uint32_t number) {
    const Class& own = classes_[number];
    if (own.due < 0) return;
    if (best == nullptr || Wide{run - own.due} * best->pace < Wide{run - best->due} * own.pace) best = &own;
  });
  return static_cast<uint32_t>(best - classes_.data());
}

void ClassLevel::charge(uint32_t number, uint64_t bytes, uint64_t work, FineTime now) {
  Class& own = classes_[number];
  if ((capped_ & 1u << number) != 0) own.ceiling.charge(now, Bytes{bytes});
  if ((strict_ & 1u << number) != 0) return;
  auto left = static_cast<int64_t>(bytes << kWorkBits);
  own.due -= left;
  divide(bytes, work, [&](uint32_t each, int64_t part) {
    classes_[each].due += part;
    left -= part;
  });
  own.due += left;  // of the divisions
  last_work_ = work;
}

}  // namespace bulkhead
