// SPDX-License-Identifier: Apache-2.0
#include "control/lookup_cost.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "control/isolation.hpp"

namespace bulkhead {
namespace {

constexpr std::size_t kMany = 64;  // entries: 0.1 us, about what all other work on a frame takes
constexpr std::size_t kSlicesNamed = 4;

std::string names_of(const Config& config, const std::vector<SliceId>& slices) {
  std::string names;
  for (std::size_t i = 0; i < std::min(slices.size(), kSlicesNamed); ++i)
    names += (i == 0 ? "" : ", ") + config.slices[slices[i].value()].name;
  if (slices.size() > kSlicesNamed) names += fmt::format(" and {} more", slices.size() - kSlicesNamed);
  return (slices.size() == 1 ? "slice " : "slices ") + names;
}

}  // namespace

LookupCost lookup_cost(const Config& config, const SliceTable& table) {
  const LongestLookup longest = table.longest_lookup();
  if (longest.comparisons <= kMany) return {.entries = longest.comparisons, .warning = {}};
  const std::string vlan =
      longest.vlan.is_tagged() ? fmt::format("vlan {}", longest.vlan.number()) : "untagged";
  return {.entries = longest.comparisons,
          .warning = fmt::format(
              "port {}, {}: to find a frame's slice, up to {} entries of {} are compared, which slows all "
              "slices down when such frames come; write fewer eth_src and eth_dst masks with holes, or "
              "entries that overlap less",
              config.ports[longest.port.value()].name, vlan, longest.comparisons,
              names_of(config, longest.slices))};
}

LookupCost lookup_cost(const Config& config) {
  const auto table = SliceTable::compile(flowspace_entries(config));
  return table ? lookup_cost(config, *table) : LookupCost{};
}

}  // namespace bulkhead
