// SPDX-License-Identifier: Apache-2.0
#include "control/config_faults.hpp"

#include <algorithm>
#include <tuple>

namespace bulkhead {
namespace {

constexpr std::size_t kLongestWord = 64;  // of words worth comparing or listing

/// Levenshtein's distance, where swapping two neighbours costs one as well ("optimal string alignment"):
/// transposed letters are the commonest slip of the keyboard.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before_last(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] != b[j - 1] ? 1u : 0u)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        row[j] = std::min(row[j], before_last[j - 2] + 1);
    }
    before_last.swap(last);
    last.swap(row);
  }
  return last[b.size()];
}

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

}  // namespace

std::vector<ConfigFault> FaultList::take_sorted() && {
  std::ranges::sort(faults_, {}, [](const ConfigFault& fault) {
    return std::tuple(fault.at.line, fault.at.column, std::string_view(fault.message));
  });
  return std::move(faults_);
}

std::string in_quotes(std::string_view text) {
  std::string out = "\"";
  const bool shortened = text.size() > kLongestWord;
  // Cut before a continuation byte would be torn from its UTF-8 sequence.
  std::size_t length = std::min(text.size(), kLongestWord);
  while (shortened && length > 0 && (static_cast<unsigned char>(text[length]) & 0xc0) == 0x80) --length;
  for (const char c : text.substr(0, length)) out += is_control(c) ? '?' : c;
  return out + (shortened ? "...\"" : "\"");
}

std::string_view nearest(std::string_view word, const std::vector<std::string_view>& known) {
  std::string_view best;
  if (word.empty() || word.size() > kLongestWord) return best;
  std::size_t best_distance = std::max<std::size_t>(2, word.size() / 3) + 1;
  for (const std::string_view candidate : known) {
    if (candidate.size() > kLongestWord) continue;
    const std::size_t distance = edit_distance(word, candidate);
    // A word of which every letter changed is another word.
    if (distance < best_distance && distance < std::max(word.size(), candidate.size())) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best;
}

std::string list_words(const std::vector<std::string_view>& words, std::string_view conjunction) {
  std::string out;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i > 0) out += i + 1 == words.size() ? " " + std::string(conjunction) + " " : ", ";
    out += words[i];
  }
  return out;
}

std::string suggestion(std::string_view word, const std::vector<std::string_view>& known) {
  if (const std::string_view near = nearest(word, known); !near.empty())
    return "; did you mean " + in_quotes(near) + "?";
  constexpr std::size_t kMostListed = 20;
  if (known.empty()) return "; none is known";
  if (known.size() > kMostListed) return "; none of the " + std::to_string(known.size()) + " known is near";
  return known.size() == 1 ? "; known is " + std::string(known[0])
                           : "; known are " + list_words(known, "and");
}

}  // namespace bulkhead
