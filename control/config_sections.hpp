// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "control/config_reader.hpp"

// The readers of the file's sections, one file each; config.cpp calls them. Each adds its faults to the list
// and returns what it could read, with defaults in place of what it could not.
namespace bulkhead {

/// The ports by name.
class PortNames {
 public:
  explicit PortNames(std::span<const PortConfig> ports);
  [[nodiscard]] std::optional<PortId> find(std::string_view name) const;
  [[nodiscard]] const std::vector<std::string_view>& names() const { return names_; }

 private:
  std::vector<std::string_view> names_;  // borrowed from the ports
  std::map<std::string_view, PortId> ids_;
};

[[nodiscard]] ApplianceConfig read_appliance(const TomlNode& node, FaultList& faults);
[[nodiscard]] StatsConfig read_stats(const TomlNode& node, FaultList& faults);
[[nodiscard]] PortConfig read_port(const TomlNode& node, FaultList& faults);
[[nodiscard]] SliceConfig read_slice(const TomlNode& node, const PortNames& ports, FaultList& faults);
[[nodiscard]] FlowspaceConfig read_flowspace(const TomlNode& node, const PortNames& ports, FaultList& faults);
/// [slice.bandwidth] with its tables of single ports, into `slice`, whose flowspaces have been read.
void read_bandwidth(const TomlNode& node, const PortNames& ports, SliceConfig& slice, FaultList& faults);
[[nodiscard]] std::vector<ClassConfig> read_classes(std::span<const TomlNode> nodes, FaultList& faults);

}  // namespace bulkhead
