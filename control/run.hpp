// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "control/answer.hpp"

namespace bulkhead {

/// `bulkhead run FILE`: the appliance, until SIGTERM or SIGINT; SIGHUP reads the file again, and the
/// operator's commands come by the control socket. Returns the exit status. Takes over these signals for the
/// whole process; call it from the main thread.
[[nodiscard]] int run_command(const std::string& file, const std::string& socket);

}  // namespace bulkhead
