// SPDX-License-Identifier: Apache-2.0
#include "control/report.hpp"

#include <ostream>

namespace bulkhead {

std::expected<Config, ConfigFaults> load_proved_config(const std::string& file, const Resources& resources) {
  auto config = load_config(file);
  if (!config) return config;
  auto faults = prove_isolation(*config, resources);
  if (!faults.empty()) return std::unexpected(ConfigFaults{config->file, std::move(faults)});
  return config;
}

int check_command(const std::string& file, bool json, std::ostream& out, std::ostream& err) {
  const Resources resources{.port_speeds = {}, .workers = default_workers()};
  const auto config = load_proved_config(file, resources);
  if (!config) {
    err << config.error().to_string();
    return 1;
  }
  out << (json ? report_json(*config, resources) : report_text(*config, resources));
  return 0;
}

}  // namespace bulkhead
