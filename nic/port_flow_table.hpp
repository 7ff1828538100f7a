// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <vector>

#include "nic/flow_table.hpp"
#include "nic/nic_profile.hpp"

struct rte_flow;

namespace bulkhead {

/// The flow rules in a device of DPDK's (rte_flow). Rules that are still in force at the end are taken out.
class PortFlowTable final : public FlowTable {
 public:
  /// `device`: DPDK's number of a device that was started; `port`: the operator's name of it.
  PortFlowTable(uint16_t device, std::string port, const NicProfile& profile);
  ~PortFlowTable() override;

  Result<FlowHandle> create(const FlowRule& rule) override;
  Result<void> destroy(FlowHandle handle) override;
  Result<std::optional<uint64_t>> hits(FlowHandle handle) override;

 private:
  Result<void> lead_to(uint8_t group);

  uint16_t device_;
  std::string port_;
  const NicProfile& profile_;
  std::map<uint64_t, rte_flow*> rules_;  // by handle
  std::map<uint8_t, std::vector<rte_flow*>>
      ways_;  // by group: what leads frames there, and those it has no rule for on
  uint64_t next_ = 1;
};

}  // namespace bulkhead
