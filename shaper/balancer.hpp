// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <unordered_map>

#include "shaper/layout.hpp"
#include "shaper/placement.hpp"

namespace bulkhead {

/// Measures what each slice uses of its worker, and says which should move. One control thread.
class Balancer {
 public:
  /// The best move by what was used since the last call; nothing at the first, and where nothing is to be
  /// gained. `now`: later than at the last call.
  [[nodiscard]] std::optional<SliceMove> look(const Layout& layout, Cycles now);

 private:
  std::optional<Cycles> last_look_;
  std::unordered_map<const SliceRuntime*, uint64_t> charges_;  // at the last call; pointers are only compared
};

}  // namespace bulkhead
