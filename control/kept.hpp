// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "control/config.hpp"

/// What goes on when one configuration follows another. Pure functions: the plan tells by them what the
/// appliance does by them.
namespace bulkhead {

/// The running port, by its place, that `wanted` goes on with; nothing where a device has to be opened. A
/// port is its device: another name, speed or way of steering does not disturb it.
[[nodiscard]] std::optional<std::size_t> kept_port(const Config& running, const PortConfig& wanted);

/// Running ports, by their places, whose devices `next` wants with other arguments: these must be given up
/// before they can be opened again.
[[nodiscard]] std::vector<std::size_t> ports_to_release(const Config& running, const Config& next);

/// The running slice, by its place, that `wanted`, a slice of `next`, goes on with, at most with other rates
/// and another part of the CPU; nothing where it begins anew.
[[nodiscard]] std::optional<std::size_t> kept_slice(const Config& running, const SliceConfig& wanted,
                                                    const Config& next);

}  // namespace bulkhead
