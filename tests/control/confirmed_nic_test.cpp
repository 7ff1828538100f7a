// SPDX-License-Identifier: Apache-2.0
#include "control/confirmed_nic.hpp"

#include <catch2/catch.hpp>

#include "tests/support/simulated_nic.hpp"

namespace bulkhead {
namespace {

using test::SimulatedNic;

/// mlx5 steers to queues and marks.
const NicProfile& mlx5() { return profile_of_driver("mlx5_pci"); }

}  // namespace

TEST_CASE("every family takes its probe rules, and nothing is left of them", "[confirmed_nic]") {
  for (const NicProfile& profile : nic_profiles()) {
    INFO(profile.name);
    SimulatedNic nic(profile);
    const ConfirmedNic confirmed = confirm(profile, 1, nic);
    CHECK(confirmed.refusal.empty());
    CHECK(confirmed.nic.to_queue == profile.to_queue);
    CHECK(confirmed.nic.to_mark == profile.to_mark);
    CHECK(confirmed.nic.most_rules == profile.most_rules);
    CHECK(nic.calls() == (profile.most_rules == 0 ? 0 : 2u * profile.to_queue + 2u * profile.to_mark));
    CHECK(nic.rules().empty());
  }
}

TEST_CASE("a port without queues for slices is tried for marks alone", "[confirmed_nic]") {
  SimulatedNic nic(mlx5());
  CHECK(confirm(mlx5(), 0, nic).nic.to_mark);
  CHECK(nic.calls() == 2);
}

TEST_CASE("a device does without the way to steer that it refuses", "[confirmed_nic]") {
  struct Row {
    FlowAction::Kind refused;
    bool to_queue;
    bool to_mark;
  };
  for (const Row& row :
       {Row{FlowAction::Kind::queue, false, true}, Row{FlowAction::Kind::mark, true, false}}) {
    NicProfile lacking = mlx5();
    (row.refused == FlowAction::Kind::queue ? lacking.to_queue : lacking.to_mark) = false;
    SimulatedNic nic(lacking);
    const ConfirmedNic confirmed = confirm(mlx5(), 1, nic);
    CHECK(confirmed.nic.to_queue == row.to_queue);
    CHECK(confirmed.nic.to_mark == row.to_mark);
    CHECK(confirmed.nic.most_rules == mlx5().most_rules);
    CHECK_THAT(confirmed.refusal, Catch::StartsWith("its device refused a probe rule: "));
    CHECK(nic.rules().empty());
  }
}

TEST_CASE("a device that refuses all probe rules has none", "[confirmed_nic]") {
  SimulatedNic nic(mlx5());
  nic.fault = [](std::size_t) { return std::optional(Error("not in this firmware")); };
  const ConfirmedNic confirmed = confirm(mlx5(), 1, nic);
  CHECK(confirmed.nic.most_rules == 0);
  CHECK(confirmed.refusal == "its device refused a probe rule: not in this firmware");
}

TEST_CASE("a device that keeps a rule which it was to destroy gets no others", "[confirmed_nic]") {
  SimulatedNic nic(mlx5());
  nic.fault = [](std::size_t call) { return call == 1 ? std::optional(Error("busy")) : std::nullopt; };
  const ConfirmedNic confirmed = confirm(mlx5(), 1, nic);
  CHECK(confirmed.nic.most_rules == 0);
  CHECK(confirmed.refusal == "its device did not destroy a probe rule: busy");
  CHECK(nic.calls() == 2);
}

}  // namespace bulkhead
