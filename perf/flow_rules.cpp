// SPDX-License-Identifier: Apache-2.0
// What it takes to prove a policy of many flowspace entries, to compile it to flow rules, and to put these in
// force on a simulated NIC; then one entry more, and one less.
//
// What is freed stays with the process. Given back to the kernel, it would make a virtual machine whose page
// tables the host emulates take microseconds for each page that is touched next, whosever it is.
//
// usage: flow_rules ENTRIES      prints one JSON object a line: what, seconds (median of five)
#include <malloc.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <span>
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

/// A port's plan, and what it was made from.
struct Planned {
  KeptFlowRules compiled;
  std::vector<SliceSteering> slices;
};

/// As Steering::plan does it: compiles what differs, and makes the rules again of slices that do.
Planned planned(const Planned& now, std::span<const FlowspaceEntry> entries, const NicProfile& nic) {
  Planned next{.compiled = now.compiled, .slices = {}};
  next.compiled.update(entries);
  std::vector<SliceHistory> history(kSlices);
  for (const SliceSteering& steering : now.slices) {
    history[steering.slice.value()].queue = steering.queue;
    history[steering.slice.value()].in_force = &steering;
  }
  next.slices = plan_steering(next.compiled.slices(),
                              {.nic = nic, .refusal = {}, .own_queues = kSlices, .classes = {}}, history);
  return next;
}

std::vector<PortRules::Group> groups_of(const Planned& plan) {
  std::vector<PortRules::Group> groups;
  for (const SliceSteering& steering : plan.slices) {
    if (steering.tier != SliceSteering::Tier::queue)
      give_up("a slice is not in hardware: " + steering.why_not);
    groups.push_back({.owner = groups.size(), .rules = steering.rules});
  }
  return groups;
}

void put_in_force(PortRules& rules, const Planned& plan, std::size_t count) {
  if (auto done = rules.change(groups_of(plan), false); !done) give_up(done.error().message());
  if (rules.size() != count) give_up("there are " + std::to_string(rules.size()) + " rules");
}

/// Slice by slice, as they come from a configuration.
std::vector<FlowspaceEntry> all_entries(std::size_t count) {
  std::vector<FlowspaceEntry> out;
  for (std::size_t slice = 0; slice < kSlices; ++slice)
    for (std::size_t i = slice; i < count; i += kSlices) out.push_back(entry(i));
  return out;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) give_up("usage: flow_rules ENTRIES");
  mallopt(M_MMAP_MAX, 0);
  mallopt(M_TRIM_THRESHOLD, std::numeric_limits<int>::max());
  const auto count = static_cast<std::size_t>(std::atoll(argv[1]));
  const NicProfile nic = roomy_nic();
  const std::vector<FlowspaceEntry> entries = all_entries(count);
  const std::vector<FlowspaceEntry> with_one_more = all_entries(count + 1);
  std::array<double, kRepetitions> prove{};
  std::array<double, kRepetitions> compile{};
  std::array<double, kRepetitions> apply{};
  std::array<double, kRepetitions> prove_one{};
  std::array<double, kRepetitions> one_more{};
  std::array<double, kRepetitions> one_less{};
  const FlowspaceEntry added = entry(count);
  std::optional<ProvedEntries> proved;
  for (int i = 0; i < kRepetitions; ++i) {
    const auto at = static_cast<std::size_t>(i);
    PortRules rules(std::make_unique<test::SimulatedNic>(nic), PortRules::Order::create_first);
    Planned plan{.compiled = {kPort, nic}, .slices = {}};
    prove[at] = seconds_of([&] {
      if (!find_overlaps(entries, 1).empty()) give_up("entries overlap");
      proved.emplace(entries);
    });
    compile[at] = seconds_of([&] { plan = planned(plan, entries, nic); });
    apply[at] = seconds_of([&] { put_in_force(rules, plan, count); });
    prove_one[at] = seconds_of([&] {
      if (!proved->find_overlaps_with(added, 1).empty()) give_up("entries overlap");
    });
    const auto change_to = [&](const std::vector<FlowspaceEntry>& all) {
      plan = planned(plan, all, nic);
      put_in_force(rules, plan, all.size());
    };
    one_more[at] = prove_one[at] + seconds_of([&] { change_to(with_one_more); });
    one_less[at] = seconds_of([&] { change_to(entries); });
  }
  report("prove", prove);
  report("compile", compile);
  report("apply", apply);
  report("prove one entry more", prove_one);
  report("one entry more", one_more);
  report("one entry less", one_less);
  return 0;
}
