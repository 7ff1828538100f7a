// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "nic/wire.hpp"

namespace bulkhead {

/// A condition on eight bytes of a frame, read as one big-endian number: masked, they lie in
/// [first, first + span].
struct WordCheck {
  uint64_t mask = 0;
  uint64_t first = 0;
  uint64_t span = 0;
  int32_t offset = 0;  // of the bytes, from a place in the frame that the user of the check knows

  /// No frame passes.
  static constexpr WordCheck impossible() { return {.mask = 0, .first = 1}; }
  [[nodiscard]] constexpr bool is_impossible() const { return mask == 0 && first != 0; }

  /// Requires: eight bytes at `base` + offset that may be read.
  [[nodiscard]] bool passes(const uint8_t* base) const {
    return (load_be64(base + offset) & mask) - first <= span;
  }
};

/// The same conditions in fewer words: those that ask for one value join where eight bytes hold them.
[[nodiscard]] std::vector<WordCheck> joined(std::vector<WordCheck> words);

}  // namespace bulkhead
