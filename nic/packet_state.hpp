// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "nic/error.hpp"

namespace bulkhead {

/// Reserves PacketState's bytes in every packet buffer, so that no driver puts a field of its own there.
/// Once, after the EAL has started and before the first port opens.
Result<void> reserve_packet_state();

}  // namespace bulkhead
