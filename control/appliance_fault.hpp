// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <expected>
#include <utility>

#include "nic/error.hpp"

namespace bulkhead {

/// Why the appliance is not as it was told to be, and whose fault that is.
class [[nodiscard]] ApplianceFault : public Error {
 public:
  enum class Kind : uint8_t {
    refused,  // the configuration cannot be, as the devices now show
    failed,   // a device, the memory, the system
    broken,   // likewise, and what was before could not be restored
  };
  // Implicit, as most errors are the machine's: `return std::unexpected(port.error())`.
  ApplianceFault(Error error, Kind kind = Kind::failed) : Error(std::move(error)), kind_(kind) {}
  [[nodiscard]] Kind kind() const { return kind_; }

 private:
  Kind kind_;
};

template <class T>
using ApplianceResult = std::expected<T, ApplianceFault>;

}  // namespace bulkhead
