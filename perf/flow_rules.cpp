// SPDX-License-Identifier: Apache-2.0
// What it takes to prove a policy of many flowspace entries, to compile it to flow rules, and to put these in
// force on a simulated NIC; and then one entry more.
//
// usage: flow_rules ENTRIES      prints one JSON object a line: what, seconds (median of five)
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>

#include "classifier/flow_rules.hpp"
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

std::vector<PortRules::Group> groups_of(const std::vector<FlowspaceEntry>& entries, const NicProfile& nic) {
  const auto plan =
      plan_steering(compile_flow_rules(entries, kPort, nic), {.nic = nic, .own_queues = kSlices}, {});
  std::vector<PortRules::Group> groups;
  for (std::size_t i = 0; i < plan.size(); ++i) {
    if (plan[i].tier != SliceSteering::Tier::queue) give_up("a slice is not in hardware: " + plan[i].why_not);
    groups.push_back({.owner = i, .rules = plan[i].rules});
  }
  return groups;
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
  std::array<double, kRepetitions> one_more{};
  for (int i = 0; i < kRepetitions; ++i) {
    const auto at = static_cast<std::size_t>(i);
    PortRules rules(std::make_unique<test::SimulatedNic>(nic), PortRules::Order::create_first);
    std::vector<PortRules::Group> groups;
    prove[at] = seconds_of([&] {
      if (!find_overlaps(entries, 1).empty()) give_up("entries overlap");
    });
    compile[at] = seconds_of([&] { groups = groups_of(entries, nic); });
    apply[at] = seconds_of([&] {
      if (auto done = rules.change(groups, false); !done) give_up(done.error().message());
    });
    if (rules.size() != count) give_up("there are " + std::to_string(rules.size()) + " rules");
    std::vector<FlowspaceEntry> more = entries;
    more.push_back(entry(count));
    // As an apply does it: all is proved and compiled again, and the rules differ by one.
    one_more[at] = seconds_of([&] {
      if (!find_overlaps_with(more.back(), entries, 1).empty()) give_up("entries overlap");
      if (auto done = rules.change(groups_of(more, nic), false); !done) give_up(done.error().message());
    });
  }
  report("prove", prove);
  report("compile", compile);
  report("apply", apply);
  report("one entry more", one_more);
  return 0;
}
