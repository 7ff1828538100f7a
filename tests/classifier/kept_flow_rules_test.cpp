// SPDX-License-Identifier: Apache-2.0
#include "classifier/kept_flow_rules.hpp"

#include <algorithm>
#include <catch2/catch.hpp>

#include "nic/nic_profile.hpp"
#include "tests/classifier/random_flows.hpp"

using namespace bulkhead;

namespace {

using Entries = std::vector<FlowspaceEntry>;
constexpr PortId kPort{1};
constexpr uint16_t kSlices = 5;

/// Just the frames of one connection or so: all that some NICs have rules for.
Match five_tuple(test::RandomFlows& random) {
  Match match;
  match.ip_src = {false, IpPrefix{{10, 0, 0, static_cast<uint8_t>(random.below(4))}, 32}, std::nullopt};
  match.ip_dst = {false, IpPrefix{{10, 0, 1, static_cast<uint8_t>(random.below(4))}, 32}, std::nullopt};
  match.ip_proto = Interval<Headers::kNoIpProto>::exactly(17);
  match.l4_src = Interval<Headers::kNoL4Port>::exactly(random.below(3));
  match.l4_dst = Interval<Headers::kNoL4Port>::exactly(random.below(3));
  return match;
}

/// Slices 1 and 2 share a precedence; and so do 3 and 4, whose entries also differ in it.
FlowspaceEntry random_entry(test::RandomFlows& random, uint16_t slice) {
  FlowspaceEntry entry{random.match(3 + random.below(12)), SliceId{slice}, (slice + 1) / 2, 0};
  if (random.one_in(2)) entry.match.vlan.last = entry.match.vlan.first = random.headers().vlan.number();
  if (slice == 0 || random.one_in(6)) entry.match = five_tuple(random);
  if (slice >= 3 && random.one_in(3)) entry.precedence = 0;
  return entry;
}

/// One change at a random place: an entry comes, goes, becomes another, or all go.
void edit(Entries& entries, uint16_t slice, test::RandomFlows& random) {
  const auto place = [&](std::size_t size) {
    return entries.begin() + random.below(static_cast<uint32_t>(size));
  };
  if (random.one_in(20)) return entries.clear();
  if (entries.empty() || random.one_in(2))
    entries.insert(place(entries.size() + 1), random_entry(random, slice));
  else if (random.one_in(2))
    entries.erase(place(entries.size()));
  else
    *place(entries.size()) = random_entry(random, slice);
}

Entries all_of(const std::vector<Entries>& slices) {
  Entries all;
  for (const Entries& entries : slices) all.insert(all.end(), entries.begin(), entries.end());
  return all;
}

std::vector<SlicePatterns> copy_of(const KeptFlowRules& kept) {
  std::vector<SlicePatterns> out;
  for (const auto& slice : kept.slices()) out.push_back(*slice);
  return out;
}

FlowspaceEntry in_vlan(uint16_t slice, uint16_t vlan) {
  FlowspaceEntry entry{Match{}, SliceId{slice}, 0, 0};
  entry.match.vlan = Interval<Vlan::kCount - 1>::exactly(vlan);
  return entry;
}

}  // namespace

TEST_CASE("whatever the NIC and the edits, rules that are kept are those compiled from scratch",
          "[kept_flow_rules]") {
  for (NicProfile profile : nic_profiles()) {
    // Few enough that slices do not fit beside one another.
    for (const uint32_t most_rules : {profile.most_rules, std::min(profile.most_rules, 40u)}) {
      profile.most_rules = most_rules;
      test::RandomFlows random{77};
      std::size_t patterns = 0;
      for (int round = 0; round < 15; ++round) {
        std::vector<Entries> slices(kSlices);
        KeptFlowRules kept(kPort, profile);
        kept.compile({});
        for (int step = 0; step < 40; ++step) {
          const auto slice = static_cast<uint16_t>(random.below(kSlices));
          edit(slices[slice], slice, random);
          kept.set(SliceId{slice}, slices[slice]);
          const auto scratch = compile_flow_rules(all_of(slices), kPort, profile);
          INFO(profile.name << ", at most " << most_rules << ", round " << round << ", step " << step);
          REQUIRE(copy_of(kept) == scratch);
          for (const SlicePatterns& of : scratch) patterns += of.patterns.size();
        }
      }
      INFO(profile.name << " has " << patterns);
      CHECK((patterns > 100) == (profile.most_rules > 0));
    }
  }
}

TEST_CASE("rules that are updated as a whole are those compiled from scratch, and a copy stays as it was",
          "[kept_flow_rules]") {
  for (const NicProfile& profile : nic_profiles()) {
    test::RandomFlows random{78};
    std::vector<Entries> slices(kSlices);
    KeptFlowRules kept(kPort, profile);
    for (int step = 0; step < 300; ++step) {
      const KeptFlowRules copy = kept;
      const auto before = copy_of(copy);
      for (uint32_t edits = random.below(4); edits > 0; --edits) {
        const auto slice = static_cast<uint16_t>(random.below(kSlices));
        edit(slices[slice], slice, random);
      }
      kept.update(all_of(slices));
      INFO(profile.name << ", step " << step);
      REQUIRE(copy_of(kept) == compile_flow_rules(all_of(slices), kPort, profile));
      REQUIRE(copy_of(copy) == before);
      // Now and then what was tried is given up.
      if (random.one_in(4)) kept = copy;
    }
  }
}

TEST_CASE("a change of more entries than are worth a search each gives the same", "[kept_flow_rules]") {
  const NicProfile profile = profile_of_driver("mlx5_pci");
  KeptFlowRules kept(kPort, profile);
  Entries entries;
  for (uint16_t vlan = 1; vlan <= 300; ++vlan) entries.push_back(in_vlan(1, vlan));
  kept.set(SliceId{1}, entries);
  CHECK(copy_of(kept) == compile_flow_rules(entries, kPort, profile));
  entries.erase(entries.begin() + 10, entries.begin() + 290);
  kept.set(SliceId{1}, entries);
  CHECK(copy_of(kept) == compile_flow_rules(entries, kPort, profile));
  for (uint16_t slice = 2; slice <= 300; ++slice) entries.push_back(in_vlan(slice, 400 + slice));
  kept.update(entries);
  CHECK(copy_of(kept) == compile_flow_rules(entries, kPort, profile));
}

TEST_CASE("a slice that a change does not touch is the same object before and after", "[kept_flow_rules]") {
  const NicProfile profile = profile_of_driver("mlx5_pci");
  KeptFlowRules kept(kPort, profile);
  kept.compile(Entries{in_vlan(1, 100), in_vlan(2, 200)});
  const auto before = kept.slices();
  kept.set(SliceId{2}, Entries{in_vlan(2, 200), in_vlan(2, 201)});
  const auto after = kept.slices();
  CHECK(before[0] == after[0]);
  CHECK(before[1] != after[1]);
  kept.update(Entries{in_vlan(1, 100), in_vlan(2, 200), in_vlan(2, 201)});
  CHECK(kept.slices() == after);
}
