// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "control/config.hpp"

/// What differs between two configurations of one port or slice, for the plan: "guarantee 1Gbps -> 2Gbps".
/// Pure; empty where the data path would not notice.
namespace bulkhead {

/// A configuration and a slice of it.
struct SliceIn {
  const Config& config;
  const SliceConfig& slice;
};

[[nodiscard]] std::vector<std::string> port_details(const PortConfig& running, const PortConfig& next);

/// Bandwidth and CPU: what takes effect while the slice runs. Where its ports are others, only the CPU.
[[nodiscard]] std::vector<std::string> rate_details(const SliceIn& running, const SliceIn& next);

/// All the rest: what makes the slice begin anew.
[[nodiscard]] std::vector<std::string> restart_details(const SliceIn& running, const SliceIn& next);

}  // namespace bulkhead
