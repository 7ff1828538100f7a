// SPDX-License-Identifier: Apache-2.0
#include "shaper/egress_changes.hpp"

namespace bulkhead {
namespace {

constexpr std::size_t kMadeTogether = 16;
constexpr uint32_t kDroppedTogether = 256;  // packets

}  // namespace

void EgressChanges::make_some_of_them(Egress& egress) {
  std::size_t left = left_.load(std::memory_order_acquire);
  for (std::size_t made = 0; made < kMadeTogether && left > 0; ++made, --left)
    if (!make(changes_[changes_.size() - left], egress)) break;
  left_.store(left, std::memory_order_release);
}

/// False where there is more to do, another time.
bool EgressChanges::make(const Change& change, Egress& egress) {
  switch (change.kind) {
    case Change::Kind::attach:
      egress.attach(*change.output);
      break;
    case Change::Kind::detach:
      return egress.detach(*change.output, DropReason::shutdown, kDroppedTogether);
    case Change::Kind::rates:
      egress.set_rates(*change.output, change.rates);
      break;
    case Change::Kind::speed:
      egress.set_speed(change.speed);
      break;
  }
  return true;
}

}  // namespace bulkhead
