// SPDX-License-Identifier: Apache-2.0
// Whether hardware does what it was told: what it has lost, and whom it has brought strangers.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "control/log.hpp"
#include "control/steering.hpp"

namespace bulkhead {
namespace {

using Tier = SliceSteering::Tier;

/// Which of the rules it may have been, for the log: the first few, as a queue may have many.
std::string suspects_text(std::span<const FlowRule> rules) {
  constexpr std::size_t kMostNamed = 4;
  std::string text =
      rules.size() == 1 ? "suspect rule" : fmt::format("suspect, one of {} rules", rules.size());
  for (std::size_t i = 0; i < std::min(rules.size(), kMostNamed); ++i)
    text += (i == 0 ? ": " : "; ") + to_testpmd(rules[i]);
  if (rules.size() > kMostNamed) text += "; the others: bulkhead status --rules";
  return text;
}

}  // namespace

std::span<const FlowRule> Steering::suspects(PortId port, SliceId slice) const {
  const auto found = distrust_.find({now_.ports[port.value()].get(), now_.slices[slice.value()].get()});
  return found == distrust_.end() ? std::span<const FlowRule>{} : std::span(found->second.suspects.list());
}

/// Distrusts the slice where strangers have come since it was last looked.
bool Steering::distrust(const SliceSteering& steering, PortId port, const Config& config) {
  const SliceRuntime& slice = *now_.slices[steering.slice.value()];
  const Place place{now_.ports[port.value()].get(), &slice};
  const uint64_t strangers = slice.attachment_at(port)->own->isolation_violations();
  uint64_t& known = strangers_[place];
  if (strangers == known) return false;
  const std::string how = steering.tier == Tier::queue ? "came by its " + queues_text(steering)
                                                       : fmt::format("had its mark {}", steering.mark);
  Distrust distrust{.why = fmt::format("{} packet{} of others {}", strangers - known,
                                       strangers - known == 1 ? "" : "s", how),
                    .suspects = steering.rules};
  log_warning(fmt::format("slice {} at port {}: {}; it is left to software from now on; {}", slice.name(),
                          config.ports[port.value()].name, distrust.why,
                          suspects_text(distrust.suspects.list())));
  distrust_[place] = std::move(distrust);
  known = strangers;
  return true;
}

bool Steering::audit(const Config& config) {
  bool distrusted = false;
  for (auto& [port, state] : states_) {
    const auto repaired = state.rules.repair();
    if (!repaired) {
      log_warning(fmt::format("lost flow rules cannot be put back: {}", repaired.error().message()));
    } else if (*repaired > 0) {
      restored_ += *repaired;
      log_warning(fmt::format("port {} had lost {} flow rules; they were put back", port->name, *repaired));
    }
  }
  for (std::size_t port = 0; port < now_.ports.size(); ++port)
    for (const SliceSteering& steering : now_.plan[port])
      if (steering.tier != Tier::software && distrust(steering, PortId{static_cast<uint16_t>(port)}, config))
        distrusted = true;
  return distrusted;
}

}  // namespace bulkhead
