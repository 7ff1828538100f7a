// SPDX-License-Identifier: Apache-2.0
#include "classifier/rule_room.hpp"

#include <fmt/format.h>

#include <map>
#include <tuple>
#include <utility>

namespace bulkhead {
namespace {

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

  bool admit(std::span<const FlowPattern> patterns) {
    if (!nic_.one_mask && !nic_.one_input_set) return true;
    std::map<PacketType, FlowPattern> next = masks_;
    for (const FlowPattern& pattern : patterns) {
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

}  // namespace

std::vector<std::string> find_misfits(std::span<const std::span<const FlowPattern>> slices,
                                      const NicProfile& nic) {
  std::vector<std::string> why(slices.size());
  CommonMasks masks(nic);
  std::size_t rules = 0;
  for (std::size_t i = 0; i < slices.size(); ++i) {
    if (slices[i].empty()) continue;
    if (rules + slices[i].size() > nic.most_rules)
      why[i] = fmt::format("{} holds {} rules, and those before need {}", nic.name, nic.most_rules, rules);
    else if (!masks.admit(slices[i]))
      why[i] = fmt::format("{} compares one set of fields {}, and a slice before needs another", nic.name,
                           nic.one_mask ? "for all rules" : "for frames of a kind");
    else
      rules += slices[i].size();
  }
  return why;
}

}  // namespace bulkhead
