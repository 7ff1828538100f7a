// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "classifier/match.hpp"
#include "classifier/overlap.hpp"
#include "control/config.hpp"
#include "control/entitlement.hpp"
#include "control/memory_plan.hpp"

/// Proves that the slices of a configuration can live together: no packet belongs to two, and what they are
/// promised is there. Pure; callable from any thread.
namespace bulkhead {

/// Where an entry comes from in the configuration.
struct FlowspaceSource {
  SliceId slice;
  SourcePosition at;  // of the [[slice.flowspace]]
};

/// All matches of the configuration, one for each [[slice.flowspace]] and port in it. `source` is the running
/// number of the [[slice.flowspace]], counted through all slices.
[[nodiscard]] std::vector<FlowspaceEntry> flowspace_entries(const Config& config);

/// The way back from FlowspaceEntry::source; indexed by it.
[[nodiscard]] std::vector<FlowspaceSource> flowspace_sources(const Config& config);

/// What the configuration leaves to the machine it runs on. What is not known is not judged.
struct Resources {
  ReportedSpeeds port_speeds;
  std::optional<uint32_t> workers;                    // where the configuration names none
  std::optional<PacketMemory> memory = std::nullopt;  // where it is laid out already

  bool appliance_known = true;  // [appliance] could be read

  [[nodiscard]] std::optional<uint32_t> workers_of(const Config& config) const {
    return config.appliance.workers ? config.appliance.workers : workers;
  }
  [[nodiscard]] PacketMemory memory_of(const Config& config) const {
    return memory ? *memory : packet_memory(config);
  }
};

/// Overlaps that are listed before the proof only says that there are more.
inline constexpr std::size_t kOverlapLimit = 100;

/// What keeps the slices from being isolated, in the order of the file; empty when they are.
[[nodiscard]] std::vector<ConfigFault> prove_isolation(const Config& config, const Resources& resources = {},
                                                       std::size_t overlap_limit = kOverlapLimit);

/// The flowspaces of a proved configuration, kept so that one more entry is proved against them without
/// proving all pairs again. Borrows the configuration.
class ProvedFlowspaces {
 public:
  /// Requires: prove_isolation(config) found nothing.
  explicit ProvedFlowspaces(const Config& config);

  /// What one more [[slice.flowspace]] of `slice` would overlap; empty when all stays disjoint.
  [[nodiscard]] std::vector<ConfigFault> prove_added(SliceId slice, const FlowspaceConfig& added) const;

 private:
  const Config& config_;
  ProvedEntries proved_;
  std::vector<FlowspaceSource> sources_;
};

}  // namespace bulkhead
