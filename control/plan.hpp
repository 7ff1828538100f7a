// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "control/config.hpp"

/// What a change of configuration does to the running appliance, said before it is done.
namespace bulkhead {

/// What becomes of one port or slice that does not go on exactly as it is.
struct PlanStep {
  enum class Object : uint8_t { port, slice };
  enum class Action : uint8_t {
    add,      // a port: its device is opened
    restart,  // begins anew, counters too; a port: its device is closed and opened again
    adjust,   // goes on undisturbed, with what `details` say
    remove,
  };
  Object object;
  Action action;
  std::string name;                  // in the next configuration, but for what is removed
  std::vector<std::string> details;  // "speed 10Gbps -> 1Gbps"

  bool operator==(const PlanStep&) const = default;
};

struct Plan {
  std::vector<PlanStep> steps;    // in the order in which they are taken
  std::size_t ports_kept = 0;     // without a step
  std::size_t slices_kept = 0;    // likewise
  bool all_slices_pause = false;  // while a device is closed and opened again

  [[nodiscard]] bool changes() const { return !steps.empty(); }
};

/// What Appliance::reload does on the way from one configuration to the other. Pure: speeds that only devices
/// know are left open. Requires: both are proved.
[[nodiscard]] Plan plan(const Config& running, const Config& next);

/// For people: a summary behind the name of the file, then a line for each step.
[[nodiscard]] std::string plan_text(const Plan& plan, const std::string& file);

}  // namespace bulkhead
