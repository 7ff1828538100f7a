// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "control/answer.hpp"

namespace bulkhead {

/// A configuration to be sent.
struct ConfigText {
  std::string file;  // how the operator calls it
  std::string text;
};

/// What a command asks the running process, in words of control_protocol.hpp.
struct ControlQuestion {
  std::string path;
  const ConfigText* config = nullptr;  // where one is sent
};

/// The answer of the process behind the socket. Where none answers, the Answer says so and what to do, with
/// the status of a command that found no appliance. Waits for minutes where the process takes that long.
[[nodiscard]] Answer ask_control(const std::string& socket, const ControlQuestion& question);

}  // namespace bulkhead
