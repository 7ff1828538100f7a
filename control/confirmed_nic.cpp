// SPDX-License-Identifier: Apache-2.0
#include "control/confirmed_nic.hpp"

#include <optional>
#include <utility>

#include "classifier/flow_patterns.hpp"
#include "classifier/protocols.hpp"

namespace bulkhead {
namespace {

constexpr uint8_t kOneOfMany = 1;  // a priority, where a device wants one for each kind of frame

/// Addresses and ports that documentation has for itself (RFC 5737) or nobody has (RFC 863's service).
Match five_tuple() {
  Match match;
  match.ip_src = {.absent = false, .v4 = IpPrefix{.bytes = {192, 0, 2, 1}, .length = 32}, .v6 = {}};
  match.ip_dst = {.absent = false, .v4 = IpPrefix{.bytes = {192, 0, 2, 2}, .length = 32}, .v6 = {}};
  match.ip_proto = Interval<Headers::kNoIpProto>::exactly(kProtoUdp);
  match.l4_src = Interval<Headers::kNoL4Port>::exactly(9);
  match.l4_dst = Interval<Headers::kNoL4Port>::exactly(9);
  return match;
}

/// The simplest that the family takes first.
std::optional<FlowPattern> probe_pattern(const NicProfile& nic) {
  Match vlan;
  vlan.vlan = Interval<Vlan::kCount - 1>::exactly(Vlan::kUntagged - 1);
  Match station;  // locally administered
  station.eth_dst = {.value = 0x02'00'00'00'00'09, .mask = 0xffff'ffff'ffff};
  for (const Match& match : {vlan, station, five_tuple()})
    if (auto found = flow_patterns(match, nic)) return found->patterns.front();
  return std::nullopt;
}

/// Why slices cannot have rules of the kind, and whether the device still has this one.
struct Outcome {
  std::string refusal;
  bool is_left_behind = false;
};

Outcome try_out(const FlowRule& rule, FlowTable& table) {
  const auto created = table.create(rule);
  if (!created) return {.refusal = "its device refused a probe rule: " + created.error().message()};
  if (auto destroyed = table.destroy(*created); !destroyed)
    return {.refusal = "its device did not destroy a probe rule: " + destroyed.error().message(),
            .is_left_behind = true};
  return {};
}

}  // namespace

ConfirmedNic confirm(const NicProfile& profile, uint16_t own_queues, FlowTable& table) {
  ConfirmedNic confirmed{.nic = profile, .refusal = {}};
  const auto pattern = probe_pattern(profile);
  if (!pattern) return confirmed;
  const uint8_t priority = profile.one_type_per_priority ? kOneOfMany : 0;
  const auto has_refused = [&](const FlowAction& action) {
    Outcome outcome =
        try_out({.pattern = *pattern, .action = action, .group = profile.group, .priority = priority}, table);
    if (outcome.refusal.empty()) return false;
    confirmed.refusal = std::move(outcome.refusal);
    if (outcome.is_left_behind) confirmed.nic.to_queue = confirmed.nic.to_mark = false;
    return true;
  };
  if (profile.to_queue && own_queues > 0 &&
      has_refused({.kind = FlowAction::Kind::queue, .queue = QueueId{1}}))
    confirmed.nic.to_queue = false;
  if (confirmed.nic.to_mark && has_refused({.kind = FlowAction::Kind::mark, .mark = kMostMarks - 1}))
    confirmed.nic.to_mark = false;
  if (!confirmed.nic.to_queue && !confirmed.nic.to_mark) confirmed.nic.most_rules = 0;
  return confirmed;
}

}  // namespace bulkhead
