// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <expected>
#include <string>
#include <utility>

namespace bulkhead {

/// Why something the control plane wanted did not happen: one sentence for the operator that names the
/// object, the cause and the remedy. Packets have no Errors, they have DropReasons.
class [[nodiscard]] Error {
 public:
  explicit Error(std::string message) : message_(std::move(message)) {}
  [[nodiscard]] const std::string& message() const { return message_; }

 private:
  std::string message_;
};

template <class T>
using Result = std::expected<T, Error>;

/// `return fail("port uplink: ...")` from any function that returns a Result.
inline std::unexpected<Error> fail(std::string message) {
  return std::unexpected<Error>(Error(std::move(message)));
}

}  // namespace bulkhead
