// SPDX-License-Identifier: Apache-2.0
#include "control/port_outages.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "control/kept.hpp"

namespace bulkhead {

bool PortOutages::is_due(const PortRuntime& port) {
  Outage& outage = outages_[&port];
  if (outage.left == 0) return true;
  --outage.left;
  return false;
}

bool PortOutages::failed(const PortRuntime& port, const std::string& why) {
  Outage& outage = outages_[&port];
  outage.left = outage.pause;
  outage.pause = std::clamp(2 * outage.pause, 1u, kLongestPause);
  if (outage.why == why) return false;
  outage.why = why;
  return true;
}

void PortOutages::retain(const Ports& ports) {
  std::erase_if(outages_, [&](const auto& one) {
    return std::ranges::none_of(ports, [&](const auto& port) { return port.get() == one.first; });
  });
}

Result<void> PortOutages::prove_change(const Config& running, const Config& next, const Ports& ports) {
  for (const std::size_t place : ports_to_release(running, next))
    if (const PortRuntime* const port = ports[place].get(); port != nullptr && !port->port.is_open())
      return fail(
          fmt::format("port {} (device {}): is out of service, so that its device cannot be opened "
                      "otherwise; leave it as "
                      "it is until the port is back, or leave the port out",
                      port->name, running.ports[place].device));
  return {};
}

}  // namespace bulkhead
