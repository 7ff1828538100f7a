// SPDX-License-Identifier: Apache-2.0
#include "classifier/flow_rules.hpp"

#include "classifier/kept_flow_rules.hpp"

namespace bulkhead {

std::vector<SlicePatterns> compile_flow_rules(std::span<const FlowspaceEntry> entries, PortId port,
                                              const NicProfile& nic) {
  KeptFlowRules kept(port, nic);
  kept.compile(entries);
  std::vector<SlicePatterns> out;
  for (const auto& slice : kept.slices()) out.push_back(*slice);
  return out;
}

}  // namespace bulkhead
