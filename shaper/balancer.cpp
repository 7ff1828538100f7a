// SPDX-License-Identifier: Apache-2.0
#include "shaper/balancer.hpp"

#include <algorithm>
#include <utility>

namespace bulkhead {

std::optional<SliceMove> Balancer::look(const Layout& layout, Cycles now) {
  const uint64_t elapsed = last_look_ ? (now - *last_look_).count() : 0;
  last_look_ = now;
  std::vector<SliceLoad> loads;
  std::unordered_map<const SliceRuntime*, uint64_t> charges;
  for (std::size_t slice = 0; slice < layout.slices().size(); ++slice) {
    const SliceRuntime& runtime = *layout.slices()[slice];
    const uint64_t all = runtime.charges() + runtime.cycles_elsewhere.read();
    const auto before = charges_.find(&runtime);
    // A slice that is new may have the address of one that is gone.
    const uint64_t used = before == charges_.end() ? 0 : all - std::min(all, before->second);
    charges.emplace(&runtime, all);
    const uint64_t part = elapsed == 0 ? 0 : used * CpuShare::kWholeCore / elapsed;
    loads.push_back({.reserve = layout.cpu_share(slice).reserve,
                     .used = static_cast<uint32_t>(std::min<uint64_t>(part, CpuShare::kWholeCore)),
                     .home = runtime.home});
  }
  charges_ = std::move(charges);
  return better_place(loads, layout.homes().workers());
}

}  // namespace bulkhead
