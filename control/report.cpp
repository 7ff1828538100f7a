// SPDX-License-Identifier: Apache-2.0
#include "control/report.hpp"

#include <ostream>

#include "control/config_faults.hpp"
#include "control/cores.hpp"
#include "control/entitlement.hpp"
#include "control/lookup_cost.hpp"

namespace bulkhead {

Resources this_machine() { return {.port_speeds = {}, .workers = default_workers()}; }

std::expected<Config, ConfigFaults> prove_config_text(std::string_view text, const std::string& file,
                                                      Resources resources) {
  PartialConfig read = read_config(text, file);
  resources.appliance_known = read.appliance_known;
  FaultList faults;
  faults.add(read.faults);
  faults.add(prove_isolation(read.config, resources));
  if (faults.size() == 0) return std::move(read.config);
  return std::unexpected(ConfigFaults{file, std::move(faults).take_sorted()});
}

std::expected<Config, ConfigFaults> load_proved_config(const std::string& file, Resources resources) {
  const auto text = read_config_text(file);
  if (!text) return std::unexpected(text.error());
  return prove_config_text(*text, file, std::move(resources));
}

int check_command(const std::string& file, bool json, std::ostream& out, std::ostream& err) {
  const Resources resources = this_machine();
  const auto config = load_proved_config(file, resources);
  if (!config) {
    err << config.error().to_string();
    return 1;
  }
  // Not refused: a file may be proved on another machine than the one that it is for.
  if (const auto cores = worker_cores(config->appliance); !cores)
    err << file << ": " << cores.error().message() << " (`bulkhead run` would refuse this file here)\n";
  if (const LookupCost cost = lookup_cost(*config); !cost.warning.empty())
    err << file << ": warning: " << cost.warning << "\n";
  out << (json ? report_json(*config, resources) : report_text(*config, resources));
  return 0;
}

}  // namespace bulkhead
