// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace bulkhead {

/// What a slice asks of its worker, in hundredths of a percent of a core, as CpuShare.
struct SliceLoad {
  uint32_t reserve = 0;
  uint32_t used = 0;                // lately
  std::optional<std::size_t> home;  // the worker's number; nothing: new
};

/// The homes of all slices: those that have one keep it; the others go, largest reserve first, to the worker
/// of which the least is reserved, and of those to the one with the fewest slices. So reserves that fit the
/// workers at all are spread as evenly as one pass can (Graham's longest processing time first: at most 4/3
/// of the best). Pure. Requires: workers > 0.
[[nodiscard]] std::vector<std::size_t> place_new(std::span<const SliceLoad> slices, std::size_t workers);

/// The first slice whose reserve, with those before it that are at home with the same worker, is more than a
/// core; nothing where all have room. Pure.
[[nodiscard]] std::optional<std::size_t> first_without_room(std::span<const SliceLoad> slices,
                                                            std::span<const std::size_t> homes,
                                                            std::size_t workers);

struct SliceMove {
  std::size_t slice;
  std::size_t worker;  // its new home
  bool operator==(const SliceMove&) const = default;
};

/// The move that evens out the workers' load most, if it is worth it: the busiest has at least a tenth of a
/// core more to do than the idlest, the move more than halves neither's reason to move back, and the reserves
/// still fit there. Pure. Requires: every slice has a home.
[[nodiscard]] std::optional<SliceMove> better_place(std::span<const SliceLoad> slices, std::size_t workers);

}  // namespace bulkhead
