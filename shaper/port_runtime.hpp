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
  PortRuntime(std::string port_name, Port open_port, const Egress::Options& options)
      : name(std::move(port_name)), port(std::move(open_port)), egress(port, options) {}
  PortRuntime(const PortRuntime&) = delete;
  PortRuntime& operator=(const PortRuntime&) = delete;

  const std::string name;
  const Port port;

  Claim receive_claim;
  DropCounters unclaimed;  // receive visit: writes, control: reads

  Claim egress_claim;
  Egress egress;  // under egress_claim
};

}  // namespace bulkhead
