// SPDX-License-Identifier: Apache-2.0
#include "classifier/word_check.hpp"

#include <algorithm>

namespace bulkhead {
namespace {

/// Adds `word` to `to`, which begins no later, if both ask for one value and the eight bytes of `to` hold it.
bool join(WordCheck& to, const WordCheck& word) {
  const int32_t later = 8 * (word.offset - to.offset);
  if (later >= 64 || to.span != 0 || word.span != 0) return false;
  if (to.is_impossible() || word.is_impossible()) return false;
  if ((word.mask >> later << later) != word.mask) return false;
  // Where both look at the same bits, they must want the same of them.
  if (((to.first ^ (word.first >> later)) & to.mask & (word.mask >> later)) != 0) return false;
  to.mask |= word.mask >> later;
  to.first |= word.first >> later;
  return true;
}

}  // namespace

std::vector<WordCheck> joined(std::vector<WordCheck> words) {
  std::ranges::sort(words, {}, &WordCheck::offset);
  std::vector<WordCheck> out;
  for (const WordCheck& word : words)
    if (out.empty() || !join(out.back(), word)) out.push_back(word);
  return out;
}

}  // namespace bulkhead
