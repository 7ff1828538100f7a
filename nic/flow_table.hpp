// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <cstdint>
#include <optional>

#include "nic/error.hpp"
#include "nic/flow_rule.hpp"

namespace bulkhead {

/// A rule in a table, by a number that only the table understands.
struct FlowHandle {
  uint64_t value = 0;
  auto operator<=>(const FlowHandle&) const = default;
};

/// The flow rules in one device. Control thread only. Errors name what was called and why the device refused.
class FlowTable {
 public:
  FlowTable() = default;
  FlowTable(const FlowTable&) = delete;
  FlowTable& operator=(const FlowTable&) = delete;
  virtual ~FlowTable() = default;

  /// Puts a rule in force. That it was created is the only proof that the device takes it.
  virtual Result<FlowHandle> create(const FlowRule& rule) = 0;

  /// Takes a rule out of force. Frames that it had before may still be in their queue.
  virtual Result<void> destroy(FlowHandle handle) = 0;

  /// How many frames the rule had, where the device counts them. An error where the rule is not in force any
  /// more, as far as the device can tell.
  virtual Result<std::optional<uint64_t>> hits(FlowHandle handle) = 0;
};

}  // namespace bulkhead
