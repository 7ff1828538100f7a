// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>

#include "classifier/match.hpp"

namespace bulkhead {

/// Some of the frames that can exist, chosen so that within one shape no field depends on another: a Match
/// cut to a shape is a plain product of its fields' sets. `natural` is a frame of the shape with nothing
/// remarkable.
struct Shape {
  Match match;
  Headers natural;
};

/// All frames that can exist, as `parse` sees them at depth l4: disjoint shapes, the most ordinary first.
std::span<const Shape> universe();

}  // namespace bulkhead
