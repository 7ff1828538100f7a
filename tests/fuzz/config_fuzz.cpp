// SPDX-License-Identifier: Apache-2.0
// Any text as a configuration: it is read, or refused with at least one fault, and what was read prints.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "control/config.hpp"
#include "control/match_text.hpp"
#include "control/report.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace bulkhead;
  const auto config = parse_config({reinterpret_cast<const char*>(data), size}, "fuzz.toml");
  if (!config) {
    if (config.error().faults.empty() || config.error().to_string().empty()) std::abort();
    return 0;
  }
  const Resources resources{.port_speeds = {}, .workers = 1};
  (void)prove_isolation(*config, resources);
  if (report_text(*config, resources).empty() || report_json(*config, resources).empty()) std::abort();
  return 0;
}
