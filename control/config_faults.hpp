// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "control/config.hpp"

namespace bulkhead {

/// Gathers what is wrong while a configuration is read, so that reading goes on and all faults are found.
class FaultList {
 public:
  void add(SourcePosition at, std::string message) { faults_.push_back({at, std::move(message)}); }
  void add(const std::vector<ConfigFault>& more) { faults_.insert(faults_.end(), more.begin(), more.end()); }
  [[nodiscard]] std::size_t size() const { return faults_.size(); }
  /// The faults in the order of the file.
  [[nodiscard]] std::vector<ConfigFault> take_sorted() &&;

 private:
  std::vector<ConfigFault> faults_;
};

/// Text from the file as messages show it: in quotes, shortened, without control characters.
[[nodiscard]] std::string in_quotes(std::string_view text);

/// The word of `known` nearest to `word` by edit distance, where it is near enough to be meant; else empty.
[[nodiscard]] std::string_view nearest(std::string_view word, const std::vector<std::string_view>& known);

/// `; did you mean "nearest"?`, or where none is near, `; known are a, b, c`.
[[nodiscard]] std::string suggestion(std::string_view word, const std::vector<std::string_view>& known);

/// `"a, b and c"` with the last pair joined by `conjunction`.
[[nodiscard]] std::string list_words(const std::vector<std::string_view>& words,
                                     std::string_view conjunction);

}  // namespace bulkhead
