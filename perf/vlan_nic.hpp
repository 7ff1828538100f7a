// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <memory>

#include "nic/flow_table.hpp"
#include "nic/nic_profile.hpp"

namespace bulkhead::perf {

/// A NIC that steers by VLAN alone, as far as any does with this many queues.
inline constexpr NicProfile kVlanNic{.name = "by VLAN",
                                     .drivers = {},
                                     .to_queue = true,
                                     .most_queues = 1024,
                                     .most_rules = 4096,
                                     .vid = Compares::whole,
                                     .takes_ethernet_alone = true};

/// Where such a NIC's rules lead: a queue by VID. The control thread writes, any thread reads.
using QueueByVid = std::array<std::atomic<uint16_t>, 4096>;

/// Its rules, which take effect at once.
class VlanNicTable final : public FlowTable {
 public:
  explicit VlanNicTable(std::shared_ptr<QueueByVid> queues) : queues_(std::move(queues)) {}
  Result<FlowHandle> create(const FlowRule& rule) override {
    (*queues_)[rule.pattern.vid.value] = rule.action.queue.value();
    rules_[++last_] = rule.pattern.vid.value;
    return FlowHandle{last_};
  }
  Result<void> destroy(FlowHandle handle) override {
    (*queues_)[rules_[handle.value]] = 0;
    rules_.erase(handle.value);
    return {};
  }
  Result<std::optional<uint64_t>> hits(FlowHandle) override { return std::nullopt; }

 private:
  std::shared_ptr<QueueByVid> queues_;
  std::map<uint64_t, uint16_t> rules_;  // VID by handle
  uint64_t last_ = 0;
};

}  // namespace bulkhead::perf
