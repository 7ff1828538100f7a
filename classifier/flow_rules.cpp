// SPDX-License-Identifier: Apache-2.0
#include "classifier/flow_rules.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <utility>

#include "classifier/algebra.hpp"
#include "classifier/pair_search.hpp"

namespace bulkhead {
namespace {

/// For each entry of a port, in order of rank: which entries before it have frames in common with it, and win
/// them.
class Cuts {
 public:
  explicit Cuts(std::span<const FlowspaceEntry> ranked) : ranked_(ranked), before_(ranked.size()) {
    std::vector<Piece> pieces;
    pieces.reserve(ranked.size());
    for (std::size_t i = 0; i < ranked.size(); ++i)
      append_pieces(ranked[i], static_cast<uint32_t>(i), pieces);
    std::vector<uint32_t> all(pieces.size());
    for (uint32_t i = 0; i < all.size(); ++i) all[i] = i;
    PairSearch(
        std::span<const Piece>(pieces), [](std::span<const uint32_t> which) { return which.size() < 2; },
        [this](const Piece& a, const Piece& b) { return compare(a, b); })
        .run(all);
  }

  [[nodiscard]] std::span<const uint32_t> before(std::size_t entry) const { return before_[entry]; }

 private:
  bool compare(const Piece& a, const Piece& b) {
    const uint32_t first = std::min(a.entry, b.entry);
    const uint32_t second = std::max(a.entry, b.entry);
    // Slices of equal precedence have nothing in common.
    if (a.slice != b.slice && ranked_[first].precedence == ranked_[second].precedence) return false;
    if (first == second || !a.box.overlaps(b.box) || !a.agrees_with(b)) return false;
    std::vector<uint32_t>& before = before_[second];
    // One more than are allowed is enough to know.
    if (before.size() <= kMostCuts && std::ranges::find(before, first) == before.end())
      before.push_back(first);
    return false;
  }

  std::span<const FlowspaceEntry> ranked_;
  std::vector<std::vector<uint32_t>> before_;
};

/// What is left of the entry, in few disjoint matches.
std::expected<std::vector<Match>, std::string> remainder(std::span<const FlowspaceEntry> ranked,
                                                         const Cuts& cuts, std::size_t entry) {
  std::vector<Match> left{ranked[entry].match};
  if (cuts.before(entry).size() > kMostCuts)
    return std::unexpected(fmt::format("more than {} entries take frames from one of its own", kMostCuts));
  for (const uint32_t before : cuts.before(entry)) {
    std::vector<Match> next;
    for (const Match& match : left)
      for (const Match& part : subtract(match, ranked[before].match)) next.push_back(part);
    if (next.size() > kMostRemainders)
      return std::unexpected(fmt::format(
          "what entries before one of its own leave of it takes more than {} rules", kMostRemainders));
    left = std::move(next);
  }
  return left;
}

void refuse(SlicePatterns& slice, std::string why) {
  if (slice.why_software.empty()) slice.why_software = std::move(why);
  slice.patterns.clear();
  slice.left_out.clear();
}

// --- What rules of one port must have in common ---

/// Which frames a rule competes for, where the NIC has one set of fields for all of a kind.
using PacketType = std::tuple<FlowPattern::Network, FlowPattern::Transport>;

PacketType type_of(const FlowPattern& pattern, const NicProfile& nic) {
  return nic.one_mask ? PacketType{} : PacketType{pattern.network, pattern.transport};
}

/// The pattern without its values: which bits of which fields it asks for.
FlowPattern mask_of(FlowPattern pattern) {
  const auto forget = [](auto& field) { field.value = field.mask; };
  forget(pattern.eth_dst);
  forget(pattern.eth_src);
  forget(pattern.ethertype);
  forget(pattern.vid);
  forget(pattern.pcp);
  forget(pattern.ip_proto);
  forget(pattern.dscp);
  forget(pattern.l4_src);
  forget(pattern.l4_dst);
  pattern.ip_src.bytes = {};
  pattern.ip_dst.bytes = {};
  return pattern;
}

/// The first slice decides what the others must ask for too.
class CommonMasks {
 public:
  explicit CommonMasks(const NicProfile& nic) : nic_(nic) {}

  bool admit(const SlicePatterns& slice) {
    if (!nic_.one_mask && !nic_.one_input_set) return true;
    std::map<PacketType, FlowPattern> next = masks_;
    for (const FlowPattern& pattern : slice.patterns) {
      const FlowPattern mask = mask_of(pattern);
      if (next.try_emplace(type_of(pattern, nic_), mask).first->second != mask) return false;
    }
    masks_ = std::move(next);
    return true;
  }

 private:
  const NicProfile& nic_;
  std::map<PacketType, FlowPattern> masks_;
};

/// Slices that do not fit beside those before them are left to software.
void fit(std::vector<SlicePatterns>& slices, const NicProfile& nic) {
  CommonMasks masks(nic);
  std::size_t rules = 0;
  for (SlicePatterns& slice : slices) {
    if (slice.is_software()) continue;
    if (rules + slice.patterns.size() > nic.most_rules)
      refuse(slice,
             fmt::format("{} holds {} rules, and those before need {}", nic.name, nic.most_rules, rules));
    else if (!masks.admit(slice))
      refuse(slice, fmt::format("{} compares one set of fields {}, and a slice before needs another",
                                nic.name, nic.one_mask ? "for all rules" : "for frames of a kind"));
    else
      rules += slice.patterns.size();
  }
}

/// The port's entries, those that win first, as far as they are at that port: what is left elsewhere does not
/// matter here.
std::vector<FlowspaceEntry> ranked_at(std::span<const FlowspaceEntry> entries, PortId port) {
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < entries.size(); ++i)
    if (entries[i].match.port.matches(port.value())) order.push_back(i);
  std::ranges::sort(order, {}, [&](std::size_t i) { return std::pair{-int64_t{entries[i].precedence}, i}; });
  std::vector<FlowspaceEntry> ranked;
  ranked.reserve(order.size());
  for (const std::size_t i : order)
    ranked.emplace_back(entries[i]).match.port = Interval<kMaxPorts - 1>::exactly(port.value());
  return ranked;
}

/// For a NIC without rules: what there is to say costs no search.
std::vector<SlicePatterns> all_in_software(std::span<const FlowspaceEntry> ranked) {
  std::set<SliceId> slices;
  for (const FlowspaceEntry& entry : ranked) slices.insert(entry.slice);
  std::vector<SlicePatterns> out;
  for (const SliceId slice : slices)
    out.push_back(
        {.slice = slice, .patterns = {}, .left_out = {}, .why_software = std::string(kTakesNoFlowRules)});
  return out;
}

}  // namespace

std::vector<SlicePatterns> compile_flow_rules(std::span<const FlowspaceEntry> entries, PortId port,
                                              const NicProfile& nic) {
  const std::vector<FlowspaceEntry> ranked = ranked_at(entries, port);
  if (nic.most_rules == 0) return all_in_software(ranked);
  const Cuts cuts(ranked);

  std::map<SliceId, SlicePatterns> slices;
  for (std::size_t i = 0; i < ranked.size(); ++i) {
    SlicePatterns& slice = slices[ranked[i].slice];
    slice.slice = ranked[i].slice;
    if (slice.is_software()) continue;
    const auto left = remainder(ranked, cuts, i);
    if (!left) {
      refuse(slice, left.error());
      continue;
    }
    for (const Match& match : *left) {
      auto found = flow_patterns(match, nic);
      if (!found) {
        refuse(slice, found.error());
        break;
      }
      slice.patterns.insert(slice.patterns.end(), found->patterns.begin(), found->patterns.end());
      if (slice.left_out.empty()) slice.left_out = std::move(found->left_out);
    }
  }
  std::vector<SlicePatterns> out;
  for (auto& [id, slice] : slices) {
    if (!slice.is_software() && slice.patterns.empty())
      refuse(slice, "entries of higher precedence have all of its frames");
    out.push_back(std::move(slice));
  }
  fit(out, nic);
  return out;
}

}  // namespace bulkhead
