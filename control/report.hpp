// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <expected>
#include <iosfwd>
#include <string>
#include <string_view>

#include "control/config.hpp"
#include "control/isolation.hpp"

/// What `bulkhead check` says of a configuration: what each slice gets.
namespace bulkhead {

/// For people.
[[nodiscard]] std::string report_text(const Config& config, const Resources& resources);

/// For programs: one JSON object, units in the names, null where a value depends on a device.
[[nodiscard]] std::string report_json(const Config& config, const Resources& resources);

/// What is known of this machine without opening a device.
[[nodiscard]] Resources this_machine();

/// The configuration in `file` where it can be read and its slices are isolated; else all its faults: what
/// cannot be read, and what is wrong with the slices that can.
[[nodiscard]] std::expected<Config, ConfigFaults> load_proved_config(const std::string& file,
                                                                     Resources resources);

/// Likewise, of the text of such a file.
[[nodiscard]] std::expected<Config, ConfigFaults> prove_config_text(std::string_view text,
                                                                    const std::string& file,
                                                                    Resources resources);

/// `bulkhead check FILE [--json]`: the report to `out`, or the faults to `err`. Returns the exit status.
[[nodiscard]] int check_command(const std::string& file, bool json, std::ostream& out, std::ostream& err);

}  // namespace bulkhead
