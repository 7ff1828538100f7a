// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace bulkhead {

/// The program's log: one line per event on standard error, where a service manager collects it. Control
/// threads only: the data path counts, it does not log.
void log_info(std::string_view line);
void log_warning(std::string_view line);
void log_error(std::string_view line);

/// An event for each line of the text.
void log_info_lines(std::string_view text);
void log_error_lines(std::string_view text);

}  // namespace bulkhead
