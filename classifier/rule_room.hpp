// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <vector>

#include "nic/flow_rule.hpp"
#include "nic/nic_profile.hpp"

namespace bulkhead {

/// For each slice, given by its patterns and in order, why these do not fit into the NIC beside those of the
/// slices before it; empty where they do. The first slice decides what the others must ask for too, where
/// the NIC has one set of fields for all. Pure; any thread; linear in slices where the NIC has no such set.
[[nodiscard]] std::vector<std::string> find_misfits(std::span<const std::span<const FlowPattern>> slices,
                                                    const NicProfile& nic);

}  // namespace bulkhead
