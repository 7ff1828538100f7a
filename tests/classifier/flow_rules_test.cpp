// SPDX-License-Identifier: Apache-2.0
#include "classifier/flow_rules.hpp"

#include <catch2/catch.hpp>
#include <map>
#include <string>
#include <tuple>

#include "classifier/algebra.hpp"
#include "classifier/frame_builder.hpp"
#include "classifier/headers_text.hpp"
#include "classifier/slice_table.hpp"
#include "tests/classifier/random_flows.hpp"
#include "tests/support/simulated_nic.hpp"

using namespace bulkhead;

namespace {

using Entries = std::vector<FlowspaceEntry>;
constexpr PortId kPort{1};

FlowspaceEntry entry(uint16_t slice, const Match& match, int32_t precedence = 0) {
  return {match, SliceId{slice}, precedence, 0};
}

/// Rules for every slice that the device can have some, slice n to queue n + 1; each type of frame has its
/// priority, as some devices want it.
void install(const std::vector<SlicePatterns>& slices, const NicProfile& profile, test::SimulatedNic& nic) {
  std::map<std::tuple<FlowPattern::Tags, FlowPattern::Network, uint16_t>, uint8_t> priorities;
  for (const SlicePatterns& slice : slices) {
    const auto number = static_cast<uint16_t>(slice.slice.value() + 1);
    FlowAction action{.kind = FlowAction::Kind::queue, .queue = QueueId{number}};
    if (!profile.to_queue) action = {.kind = FlowAction::Kind::mark, .mark = number};
    for (const FlowPattern& pattern : slice.patterns) {
      const auto next = static_cast<uint8_t>(priorities.size());
      const auto priority =
          priorities.try_emplace({pattern.tags, pattern.network, pattern.ethertype.value}, next)
              .first->second;
      const auto created =
          nic.create({.pattern = pattern, .action = action, .group = profile.group, .priority = priority});
      if (!created) FAIL(profile.name << ": " << created.error().message());
    }
  }
}

uint32_t number_in(const FlowAction& action) {
  return action.kind == FlowAction::Kind::queue ? action.queue.value() : action.mark;
}

/// Ways in which a frame differs from the one that its headers ask for, without leaving its slice's VLAN.
std::vector<uint8_t> vary(std::vector<uint8_t> frame, test::RandomFlows& random) {
  const auto insert_tag = [&](uint16_t type, uint16_t tci) {
    const std::array<uint8_t, 4> tag{static_cast<uint8_t>(type >> 8), static_cast<uint8_t>(type),
                                     static_cast<uint8_t>(tci >> 8), static_cast<uint8_t>(tci)};
    frame.insert(frame.begin() + 12, tag.begin(), tag.end());
  };
  const bool tagged = frame[12] == 0x81 && frame[13] == 0x00;
  switch (random.below(8)) {
    case 0:
      insert_tag(0x8100, static_cast<uint16_t>(random.below(102)));
      break;
    case 1:
      insert_tag(0x88a8, static_cast<uint16_t>(random.below(102)));
      break;
    case 2:
      if (tagged) frame[12] = 0x88, frame[13] = 0xa8;
      break;
    case 3:
      frame.resize(14 + random.below(30));
      break;
    default:
      break;
  }
  return frame;
}

std::string rules_with(const test::SimulatedNic& nic, const NicProfile& profile,
                       std::span<const uint8_t> frame) {
  std::string out;
  for (const FlowRule& rule : nic.rules())
    if (test::has_frame(rule.pattern, profile, frame)) out += '\n' + to_testpmd(rule);
  return out;
}

Verdict verdict_of(const SliceTable& table, std::span<const uint8_t> frame) {
  FrameTag tag;
  return table.classify(kPort, FrameView{frame.data(), static_cast<uint32_t>(frame.size())}, tag);
}

/// Just the frames that have a frame's addresses, protocol and L4 ports, where it has those.
Match five_tuple_of(const Headers& headers) {
  Match match;
  if (headers.ip_src.family != IpAddress::Family::v4 || headers.l4_src == Headers::kNoL4Port) return match;
  match.ip_src = {false, IpPrefix{headers.ip_src.bytes, 32}, std::nullopt};
  match.ip_dst = {false, IpPrefix{headers.ip_dst.bytes, 32}, std::nullopt};
  match.ip_proto = Interval<Headers::kNoIpProto>::exactly(headers.ip_proto);
  match.l4_src = Interval<Headers::kNoL4Port>::exactly(headers.l4_src);
  match.l4_dst = Interval<Headers::kNoL4Port>::exactly(headers.l4_dst);
  return match;
}

/// Slices of different precedence, with a few entries each that ask for things NICs like.
Entries random_entries(test::RandomFlows& random, uint32_t sparsity) {
  Entries entries;
  const uint32_t count = 1 + random.below(8);
  for (uint32_t i = 0; i < count; ++i) {
    Match match = random.match(sparsity);
    if (random.one_in(2)) match.vlan.last = match.vlan.first = random.headers().vlan.number();
    if (random.one_in(8)) match = five_tuple_of(random.headers());
    const auto slice = static_cast<uint16_t>(random.below(4));
    entries.push_back(entry(slice, match, slice));
  }
  return entries;
}

}  // namespace

TEST_CASE("whatever the NIC, no rule has a frame of another slice, and no two have the same",
          "[flow_rules]") {
  for (const NicProfile& profile : nic_profiles()) {
    test::RandomFlows random{31};
    uint64_t steered = 0;
    for (int round = 0; round < 400; ++round) {
      const Entries entries = random_entries(random, 3 + random.below(12));
      const auto table = SliceTable::compile(entries);
      REQUIRE(table);
      test::SimulatedNic nic(profile);
      install(compile_flow_rules(entries, kPort, profile), profile, nic);
      for (int n = 0; n < 100; ++n) {
        Headers headers = random.headers();
        // Every other frame is one that some entry asks for.
        const Match& asked = entries[random.below(static_cast<uint32_t>(entries.size()))].match;
        if (random.one_in(2)) headers = witness(asked).value_or(headers);
        headers.port = kPort;
        const auto frame = vary(build_frame(headers), random);
        const auto action = nic.steer(frame);
        if (!action) continue;
        ++steered;
        if (nic.rules_for(frame) != 1)
          FAIL(profile.name << ": rules share " << to_string(headers, "p")
                            << rules_with(nic, profile, frame));
        const Verdict verdict = verdict_of(*table, frame);
        const Verdict expected = Verdict::of(SliceId{static_cast<uint16_t>(number_in(*action) - 1)});
        if (verdict != expected && verdict != Verdict::malformed())
          FAIL(profile.name << ": queue " << number_in(*action) << " has " << to_string(headers, "p"));
      }
    }
    INFO(profile.name << " steered " << steered);
    CHECK((steered > 100) == (profile.most_rules > 0));
  }
}
