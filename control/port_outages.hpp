// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "control/config.hpp"
#include "nic/error.hpp"
#include "shaper/port_runtime.hpp"

namespace bulkhead {

/// The ports that are out of service, and when to try again to open their devices: at the next look, then at
/// ever fewer, as an attempt may cost a device's bus and the log something. Control thread.
class PortOutages {
 public:
  using Ports = std::vector<std::shared_ptr<PortRuntime>>;

  /// Whether it is time to try. One call for each look.
  [[nodiscard]] bool is_due(const PortRuntime& port);
  /// It could not be opened. True where the reason is a new one, which somebody should be told.
  [[nodiscard]] bool failed(const PortRuntime& port, const std::string& why);
  /// It is over, or the port is.
  void end(const PortRuntime& port) { outages_.erase(&port); }
  void retain(const Ports& ports);

  /// Whether another configuration can be tried: not where it wants a device that is out of service with
  /// other arguments, as that could not be undone. `ports`: of `running`, in its order.
  [[nodiscard]] static Result<void> prove_change(const Config& running, const Config& next,
                                                 const Ports& ports);

 private:
  static constexpr unsigned kLongestPause = 8;  // looks

  struct Outage {
    unsigned pause = 0;  // looks between attempts
    unsigned left = 0;   // of them
    std::string why;
  };
  std::map<const PortRuntime*, Outage> outages_;
};

}  // namespace bulkhead
