// SPDX-License-Identifier: Apache-2.0
#include "control/rules_text.hpp"

#include <catch2/catch.hpp>

using namespace bulkhead;

TEST_CASE("rules are told with where they are, why, and how testpmd would be asked") {
  Snapshot snapshot;
  Snapshot::Slice& slice = snapshot.slices.emplace_back();
  slice.name = "lab";
  const auto at = [&](const char* port, Snapshot::Steering steering) -> Snapshot::SlicePort& {
    Snapshot::SlicePort& place = slice.ports.emplace_back();
    place.port = port;
    place.steering = std::make_shared<const Snapshot::Steering>(std::move(steering));
    return place;
  };
  at("north", {.where = "hardware",
               .queue = 3,
               .class_queues = {},
               .why_not_hardware = "",
               .left_out = "",
               .rules = {"flow create 1"},
               .suspects = {}});
  at("south", {.where = "hardware",
               .queue = 1,
               .class_queues = {},
               .why_not_hardware = "",
               .left_out = "IP protocols without L4 ports",
               .rules = {"flow create 2", "flow create 3"},
               .suspects = {}})
      .isolation_violations = 1;
  at("up", {.where = "hardware",
            .queue = 1,
            .class_queues = {4, 2},
            .why_not_hardware = "",
            .left_out = "",
            .rules = {"flow create 6"},
            .suspects = {}});
  at("west", {.where = "mark",
              .queue = {},
              .class_queues = {},
              .why_not_hardware = "no queue",
              .left_out = "",
              .rules = {"flow 4"},
              .suspects = {}});
  at("east", {.where = "software",
              .queue = {},
              .class_queues = {},
              .why_not_hardware = "its driver takes no flow rules",
              .left_out = "",
              .rules = {},
              .suspects = {"flow create 5"}});
  slice.ports.emplace_back().port = "new";
  CHECK(rules_text(snapshot) ==
        "slice lab at port north: hardware, queue 3, 1 rule\n"
        "  flow create 1\n"
        "slice lab at port south: hardware, queue 1, 2 rules; by the shared queue: IP protocols without L4 "
        "ports; "
        "1 packet of others came\n"
        "  flow create 2\n"
        "  flow create 3\n"
        "slice lab at port up: hardware, queues 4, 2, 1 (the highest class first), 1 rule\n"
        "  flow create 6\n"
        "slice lab at port west: mark, 1 rule; not in hardware: no queue\n"
        "  flow 4\n"
        "slice lab at port east: software; not in hardware: its driver takes no flow rules\n"
        "  suspect: flow create 5\n"
        "slice lab at port new: software\n");
}
