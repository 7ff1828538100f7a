// SPDX-License-Identifier: Apache-2.0
#include "classifier/entry_patterns.hpp"

#include <fmt/format.h>

#include <expected>
#include <utility>

#include "classifier/algebra.hpp"
#include "classifier/flow_rules.hpp"

namespace bulkhead {
namespace {

/// What is left of the match, in few disjoint matches.
std::expected<std::vector<Match>, std::string> remainder(const Match& whole,
                                                         std::span<const Match* const> before) {
  if (before.size() > kMostCuts)
    return std::unexpected(fmt::format("more than {} entries take frames from one of its own", kMostCuts));
  std::vector<Match> left{whole};
  for (const Match* winner : before) {
    std::vector<Match> next;
    for (const Match& match : left)
      for (const Match& part : subtract(match, *winner)) next.push_back(part);
    if (next.size() > kMostRemainders)
      return std::unexpected(fmt::format(
          "what entries before one of its own leave of it takes more than {} rules", kMostRemainders));
    left = std::move(next);
  }
  return left;
}

}  // namespace

EntryPatterns entry_patterns(const Match& match, std::span<const Match* const> before,
                             const NicProfile& nic) {
  const auto left = remainder(match, before);
  if (!left) return {.patterns = {}, .left_out = {}, .why_software = left.error()};
  EntryPatterns out;
  for (const Match& part : *left) {
    auto found = flow_patterns(part, nic);
    if (!found) return {.patterns = {}, .left_out = {}, .why_software = std::move(found.error())};
    out.patterns.insert(out.patterns.end(), found->patterns.begin(), found->patterns.end());
    if (out.left_out.empty()) out.left_out = std::move(found->left_out);
  }
  return out;
}

}  // namespace bulkhead
