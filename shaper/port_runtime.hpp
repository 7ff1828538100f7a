// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <utility>

#include "classifier/drop_reason.hpp"
#include "nic/port.hpp"
#include "shaper/claim.hpp"
#include "shaper/egress.hpp"

namespace bulkhead {

/// A port at work. Lives as long as its configuration stays the same, across reloads. Its two directions are
/// visited apart, each by one worker at a time.
struct PortRuntime {
  PortRuntime(std::string port_name, Port open_port, MicrosecondScale scale)
      : name(std::move(port_name)), port(std::move(open_port)), egress(port, scale) {}
  PortRuntime(const PortRuntime&) = delete;
  PortRuntime& operator=(const PortRuntime&) = delete;
  ~PortRuntime() { egress.drop_pending(nullptr, DropReason::shutdown); }

  const std::string name;
  const Port port;

  Claim receive_claim;
  DropCounters unclaimed;  // receive visit: writes, control: reads

  Claim egress_claim;
  Egress egress;
};

}  // namespace bulkhead
