// SPDX-License-Identifier: Apache-2.0
#pragma once

/// What the two ends of the control socket call things. Both are this program: no interface for others.
namespace bulkhead {

inline constexpr const char* kPlanPath = "/v1/plan";    // POST: the configuration's text
inline constexpr const char* kApplyPath = "/v1/apply";  // likewise
inline constexpr const char* kConfigPath = "/v1/config";
inline constexpr const char* kStatusPath = "/v1/status";
inline constexpr const char* kStatusJsonPath = "/v1/status.json";
inline constexpr const char* kRulesPath = "/v1/rules";
inline constexpr const char* kRulesJsonPath = "/v1/rules.json";
inline constexpr const char* kFileParameter = "file";                    // how the operator calls the text
inline constexpr const char* kExitStatusField = "Bulkhead-Exit-Status";  // of the command

}  // namespace bulkhead
