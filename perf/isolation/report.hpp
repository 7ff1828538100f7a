// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace bulkhead::perf {

/// One measured value, beside a peer's or another condition's, and what is asked of it.
struct Row {
  std::string experiment;  // "X6"
  std::string what;
  double ours = 0;
  std::string unit;
  std::string beside{};  // what the second value is of; none
  double theirs = 0;
  std::string asked{};        // in words; nothing: reported only
  std::optional<bool> met{};  // where something is asked
  std::string note{};         // what limits the measurement
};

/// Prints it as one JSON object on one line of standard output.
void print(const Row& row);

[[nodiscard]] double median(std::vector<double> values);

}  // namespace bulkhead::perf
