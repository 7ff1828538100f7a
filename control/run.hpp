// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace bulkhead {

/// Exit statuses of the commands, as the contract has them.
inline constexpr int kExitOk = 0;
inline constexpr int kExitRefused = 1;  // the configuration
inline constexpr int kExitFailed = 3;   // a device, the memory, the endpoint
inline constexpr int kExitUsage = 64;

/// `bulkhead run FILE`: the appliance, until SIGTERM or SIGINT; SIGHUP reads the file again. Returns the exit
/// status. Takes over these signals for the whole process; call it from the main thread.
[[nodiscard]] int run_command(const std::string& file);

}  // namespace bulkhead
