// SPDX-License-Identifier: Apache-2.0
#include "control/kept.hpp"

#include <algorithm>

#include "control/device_identity.hpp"

namespace bulkhead {
namespace {

/// What cannot change while the slice runs.
SliceConfig without_rates(SliceConfig slice) {
  slice.bandwidth = {};
  slice.bandwidth_at_port.clear();
  slice.cpu = {};
  return slice;
}

template <class Element, class Member>
std::optional<std::size_t> place_of(const std::vector<Element>& elements, const Member& value,
                                    Member Element::* member) {
  const auto found = std::ranges::find(elements, value, member);
  if (found == elements.end()) return std::nullopt;
  return static_cast<std::size_t>(found - elements.begin());
}

}  // namespace

std::optional<std::size_t> kept_port(const Config& running, const PortConfig& wanted) {
  return place_of(running.ports, wanted.device, &PortConfig::device);
}

std::vector<std::size_t> ports_to_release(const Config& running, const Config& next) {
  std::vector<std::size_t> places;
  for (std::size_t port = 0; port < running.ports.size(); ++port)
    if (std::ranges::any_of(next.ports, [&](const PortConfig& wanted) {
          return !kept_port(running, wanted) && collide(running.ports[port].device, wanted.device);
        }))
      places.push_back(port);
  return places;
}

std::optional<std::size_t> kept_slice(const Config& running, const SliceConfig& wanted, const Config& next) {
  const auto place = place_of(running.slices, wanted.name, &SliceConfig::name);
  if (!place || without_rates(running.slices[*place]) != without_rates(wanted)) return std::nullopt;
  // Port numbers are places in the file: the same number must still be the same device.
  for (const PortId port : wanted.ports())
    if (kept_port(running, next.ports[port.value()]) != port.value()) return std::nullopt;
  return place;
}

}  // namespace bulkhead
