// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <cstdint>

namespace bulkhead {

/// A dense index into one kind of table. Indices of different kinds do not mix.
template <class Tag>
class Index {
 public:
  constexpr Index() = default;
  constexpr explicit Index(uint16_t value) : value_(value) {}
  [[nodiscard]] constexpr uint16_t value() const { return value_; }
  constexpr auto operator<=>(const Index&) const = default;

 private:
  uint16_t value_ = 0;
};

/// The n-th [[port]] of the configuration (not DPDK's number for the device, which stays inside nic/).
using PortId = Index<struct PortIdTag>;
/// The n-th [[slice]] of the configuration.
using SliceId = Index<struct SliceIdTag>;
/// A hardware queue of a port.
using QueueId = Index<struct QueueIdTag>;

static_assert(sizeof(SliceId) == 2);

/// Most ports and slices one appliance has; the configuration is refused above.
inline constexpr uint16_t kMaxPorts = 64;
inline constexpr uint16_t kMaxSlices = 8192;

}  // namespace bulkhead
