// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <expected>
#include <string>
#include <utility>

#include "control/answer.hpp"
#include "control/appliance.hpp"

namespace bulkhead {

/// The configuration that a running appliance has, and the one way to another: `bulkhead plan`, `bulkhead
/// apply` and SIGHUP all end here. The thread that the appliance belongs to.
class ConfigInForce {
 public:
  /// `text`: what the appliance was started with. Borrows the appliance.
  ConfigInForce(Appliance& appliance, std::string text) : appliance_(appliance), text_(std::move(text)) {}

  /// What `apply` would change. `file` is how the operator calls the text, for messages.
  [[nodiscard]] Answer plan(const std::string& text, const std::string& file) const;

  /// Changes to the configuration, all or nothing, and logs what came of it.
  [[nodiscard]] Answer apply(std::string text, const std::string& file);

  /// Likewise, with what the file holds now.
  [[nodiscard]] Answer apply_file(const std::string& file);

  /// The text in force, byte for byte.
  [[nodiscard]] const std::string& text() const { return text_; }

  /// Neither the last configuration nor the one before it is in force: the appliance cannot go on.
  [[nodiscard]] bool broken() const { return broken_; }

 private:
  [[nodiscard]] std::expected<Config, std::string> prove(const std::string& text,
                                                         const std::string& file) const;
  [[nodiscard]] Answer change(std::string text, const std::string& file);

  Appliance& appliance_;
  std::string text_;
  bool broken_ = false;
};

}  // namespace bulkhead
