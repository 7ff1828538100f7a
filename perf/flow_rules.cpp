// SPDX-License-Identifier: Apache-2.0
// What it takes to prove a policy of many flowspace entries, to compile it to flow rules, and to put these in
// force on a simulated NIC; then one entry more, and one less.
//
// usage: flow_rules ENTRIES      prints one JSON object a line: what, seconds (median of five)
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "classifier/kept_flow_rules.hpp"
#include "classifier/overlap.hpp"
#include "control/port_rules.hpp"
#include "control/steering_plan.hpp"
#include "tests/support/simulated_nic.hpp"

using namespace bulkhead;

namespace {

constexpr PortId kPort{0};
constexpr std::size_t kSlices = 1000;
constexpr int kRepetitions = 5;

[[noreturn]] void give_up(const std::string& why) {
  std::fprintf(stderr, "flow_rules: %s\n", why.c_str());
  std::exit(1);
}

/// Slice n has VLAN n + 1, and there entry after entry a /24 of 10.0.0.0/8.
FlowspaceEntry entry(std::size_t number) {
  FlowspaceEntry out;
  out.slice = SliceId{static_cast<uint16_t>(number % kSlices)};
  out.match.port = Interval<kMaxPorts - 1>::exactly(kPort.value());
  out.match.vlan = Interval<Vlan::kCount - 1>::exactly(out.slice.value() + 1u);
  const std::size_t prefix = number / kSlices;
  out.match.ip_dst = {false,
                      IpPrefix{{10, static_cast<uint8_t>(prefix >> 8), static_cast<uint8_t>(prefix), 0}, 24},
                      std::nullopt};
  return out;
}

NicProfile roomy_nic() {
  NicProfile nic = profile_of_driver("mlx5_pci");
  nic.most_rules = 1u << 20;
  return nic;
}

double seconds_of(const std::function<void()>& work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

void report(const char* what, std::array<double, kRepetitions> took) {
  std::ranges::sort(took);
  std::printf("{\"what\": \"%s\", \"seconds\": %.6f}\n", what, took[kRepetitions / 2]);
}

/// The slices' rules as the product plans them: all slices, and all of their rules.
std::vector<PortRules::Group> planned(const KeptFlowRules& kept, const NicProfile& nic) {
  std::vector<SlicePatterns> slices;
  for (const auto& slice : kept.slices()) slices.push_back(*slice);
  const auto plan = plan_steering(std::move(slices), {.nic = nic, .own_queues = kSlices, .classes = {}}, {});
  std::vector<PortRules::Group> groups;
  for (std::size_t i = 0; i < plan.size(); ++i) {
    if (plan[i].tier != SliceSteering::Tier::queue) give_up("a slice is not in hardware: " + plan[i].why_not);
    groups.push_back({.owner = i, .rules = plan[i].rules});
  }
  return groups;
}

/// The same for a change after which each slice keeps its queue: rules of slices that are the same are
/// shared.
std::vector<PortRules::Group> replanned(std::vector<PortRules::Group> groups,
                                        const std::vector<std::shared_ptr<const SlicePatterns>>& before,
                                        const std::vector<std::shared_ptr<const SlicePatterns>>& after) {
  for (std::size_t i = 0; i < groups.size(); ++i) {
    if (before[i] == after[i]) continue;
    const FlowRule model = groups[i].rules.list().front();
    std::vector<FlowRule> rules;
    for (const FlowPattern& pattern : after[i]->patterns) rules.emplace_back(model).pattern = pattern;
    groups[i].rules = std::move(rules);
  }
  return groups;
}

void put_in_force(PortRules& rules, const std::vector<PortRules::Group>& groups, std::size_t count) {
  if (auto done = rules.change(groups, false); !done) give_up(done.error().message());
  if (rules.size() != count) give_up("there are " + std::to_string(rules.size()) + " rules");
}

std::vector<FlowspaceEntry> entries_of(SliceId slice, std::size_t count) {
  std::vector<FlowspaceEntry> out;
  for (std::size_t i = slice.value(); i < count; i += kSlices) out.push_back(entry(i));
  return out;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) give_up("usage: flow_rules ENTRIES");
  const auto count = static_cast<std::size_t>(std::atoll(argv[1]));
  const NicProfile nic = roomy_nic();
  std::vector<FlowspaceEntry> entries;
  for (std::size_t i = 0; i < count; ++i) entries.push_back(entry(i));
  std::array<double, kRepetitions> prove{};
  std::array<double, kRepetitions> compile{};
  std::array<double, kRepetitions> apply{};
  std::array<double, kRepetitions> prove_one{};
  std::array<double, kRepetitions> one_more{};
  std::array<double, kRepetitions> one_less{};
  std::array<double, kRepetitions> planned_anew{};
  const FlowspaceEntry added = entry(count);
  for (int i = 0; i < kRepetitions; ++i) {
    const auto at = static_cast<std::size_t>(i);
    PortRules rules(std::make_unique<test::SimulatedNic>(nic), PortRules::Order::create_first);
    KeptFlowRules kept(kPort, nic);
    std::vector<PortRules::Group> groups;
    prove[at] = seconds_of([&] {
      if (!find_overlaps(entries, 1).empty()) give_up("entries overlap");
    });
    compile[at] = seconds_of([&] {
      kept.compile(entries);
      groups = planned(kept, nic);
    });
    apply[at] = seconds_of([&] { put_in_force(rules, groups, count); });

    const std::vector<FlowspaceEntry> with = entries_of(added.slice, count + 1);
    const std::vector<FlowspaceEntry> without = entries_of(added.slice, count);
    prove_one[at] = seconds_of([&] {
      if (!find_overlaps_with(added, entries, 1).empty()) give_up("entries overlap");
    });
    const auto change_to = [&](const std::vector<FlowspaceEntry>& slice, std::size_t rules_then) {
      const auto before = kept.slices();
      kept.set(added.slice, slice);
      groups = replanned(std::move(groups), before, kept.slices());
      put_in_force(rules, groups, rules_then);
    };
    one_more[at] = prove_one[at] + seconds_of([&] { change_to(with, count + 1); });
    one_less[at] = seconds_of([&] { change_to(without, count); });
    // As an apply does it today: all slices are planned, with copies of their rules.
    planned_anew[at] = prove_one[at] + seconds_of([&] {
                         kept.set(added.slice, with);
                         put_in_force(rules, planned(kept, nic), count + 1);
                       });
  }
  report("prove", prove);
  report("compile", compile);
  report("apply", apply);
  report("prove one entry more", prove_one);
  report("one entry more", one_more);
  report("one entry less", one_less);
  report("one entry more, all slices planned", planned_anew);
  return 0;
}
