// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "nic/flow_table.hpp"
#include "nic/nic_profile.hpp"

namespace bulkhead {

/// What a device takes of flow rules: what its family is known to, as far as it did not refuse that.
struct ConfirmedNic {
  NicProfile nic;       // its family's, without the ways to steer that the device refused
  std::string refusal;  // its words for the last of those; empty where there are none
};

/// Tries each way to steer that the profile has (a queue, a mark) with a probe rule, which is created and
/// destroyed at once. The rule is of the simplest kind that the profile takes, and for frames that hardly
/// anybody sends: what it might steer meanwhile no slice relies on. A device that keeps a rule which it was
/// to destroy gets no others. `own_queues`: of the port, besides the shared one. Requires: the table is empty
/// (the first rule decides, for some families, what others may ask for). Control thread.
[[nodiscard]] ConfirmedNic confirm(const NicProfile& profile, uint16_t own_queues, FlowTable& table);

}  // namespace bulkhead
