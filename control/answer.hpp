// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace bulkhead {

/// Exit statuses of the commands, as the contract has them.
inline constexpr int kExitOk = 0;
inline constexpr int kExitRefused = 1;     // the configuration
inline constexpr int kExitChanges = 2;     // `plan` has something to say
inline constexpr int kExitFailed = 3;      // a device, the memory, the endpoint
inline constexpr int kExitNotRunning = 4;  // no appliance answers
inline constexpr int kExitUsage = 64;

/// What an operator's command is answered with.
struct Answer {
  int status = kExitOk;  // the command's exit status
  std::string text;      // for people; every line ended. What is wrong, where status says that something is

  [[nodiscard]] bool good() const { return status == kExitOk || status == kExitChanges; }
};

}  // namespace bulkhead
