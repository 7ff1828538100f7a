// SPDX-License-Identifier: Apache-2.0
#include "control/config_in_force.hpp"

#include <fmt/format.h>

#include <utility>

#include "control/log.hpp"
#include "control/plan.hpp"
#include "control/report.hpp"

namespace bulkhead {
namespace {

constexpr const char* kStays = "{}: refused; the running configuration stays as it is\n";

std::string with_line_end(std::string text) {
  if (!text.ends_with('\n')) text += '\n';
  return text;
}

void log_answer(const Answer& answer) {
  if (answer.good())
    log_info_lines(answer.text);
  else
    log_error_lines(answer.text);
}

}  // namespace

std::expected<Config, std::string> ConfigInForce::prove(const std::string& text,
                                                        const std::string& file) const {
  auto config = prove_config_text(text, file, {.port_speeds = {}, .workers = appliance_.workers()});
  if (!config) return std::unexpected(config.error().to_string());
  return std::move(*config);
}

Answer ConfigInForce::plan(const std::string& text, const std::string& file) const {
  const auto next = prove(text, file);
  if (!next) return {kExitRefused, next.error()};
  if (const auto possible = appliance_.prove_change(*next); !possible)
    return {kExitRefused, with_line_end(possible.error().message())};
  const Plan steps = bulkhead::plan(appliance_.config(), *next);
  if (!steps.changes()) return {kExitOk, plan_text(steps, file)};
  return {kExitChanges, plan_text(steps, file) + rule_changes_text(appliance_.plan_rules(*next))};
}

Answer ConfigInForce::apply(std::string text, const std::string& file) {
  Answer answer = change(std::move(text), file);
  log_answer(answer);
  return answer;
}

Answer ConfigInForce::apply_file(const std::string& file) {
  auto text = read_config_text(file);
  if (text) return apply(std::move(*text), file);
  Answer answer{kExitRefused, text.error().to_string() + fmt::format(kStays, file)};
  log_answer(answer);
  return answer;
}

Answer ConfigInForce::change(std::string text, const std::string& file) {
  auto next = prove(text, file);
  if (!next) return {kExitRefused, next.error() + fmt::format(kStays, file)};
  if (const auto done = appliance_.reload(std::move(*next)); !done) {
    const ApplianceFault& fault = done.error();
    broken_ = fault.kind() == ApplianceFault::Kind::broken;
    return {fault.kind() == ApplianceFault::Kind::refused ? kExitRefused : kExitFailed,
            with_line_end(fault.message()) +
                fmt::format("{}: not applied; {}\n", file,
                            broken_ ? "the appliance cannot go on as before, and stops"
                                    : "the old configuration is in force")};
  }
  text_ = std::move(text);
  return {kExitOk, fmt::format("{}: in force, generation {}\n", file, appliance_.generation()) +
                       rule_changes_text(appliance_.rules_changed())};
}

}  // namespace bulkhead
