// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <iosfwd>
#include <string>

/// The commands that talk to the running appliance over its control socket. Each returns its exit status;
/// what was asked for goes to `out`, what is wrong to `err`.
namespace bulkhead {

/// `bulkhead plan FILE`: what `apply` would change.
[[nodiscard]] int plan_command(const std::string& socket, const std::string& file, std::ostream& out,
                               std::ostream& err);

/// `bulkhead apply FILE`: changes the appliance to the file, all or nothing.
[[nodiscard]] int apply_command(const std::string& socket, const std::string& file, std::ostream& out,
                                std::ostream& err);

enum class StatusForm : uint8_t { table, json, config, rules, rules_json };

/// `bulkhead status`: rates are those of the half second that it takes.
[[nodiscard]] int status_command(const std::string& socket, StatusForm form, std::ostream& out,
                                 std::ostream& err);

/// `bulkhead top`: the table each second, until SIGINT or SIGTERM, which it takes over, or until nobody reads
/// `out`. `terminal`: over the one before.
[[nodiscard]] int top_command(const std::string& socket, bool terminal, std::ostream& out, std::ostream& err);

}  // namespace bulkhead
