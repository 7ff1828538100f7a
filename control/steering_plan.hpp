// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "classifier/flow_rules.hpp"
#include "control/config.hpp"
#include "control/ingress_classes.hpp"
#include "control/shared_rules.hpp"

namespace bulkhead {

/// How the packets of one slice come at one port, and the rules that make it so.
struct SliceSteering {
  enum class Tier : uint8_t {
    queue,     // the NIC steers them to a queue of the slice's own
    mark,      // it marks them, and they come by the shared queue
    software,  // they come by the shared queue
  };
  SliceId slice;
  Tier tier = Tier::software;
  QueueId queue = QueueId{0};  // where tier is queue
  // Of the highest classes, those that have one besides, the highest first; `queue` has the others.
  std::vector<QueueId> class_queues;
  uint32_t mark = 0;  // where tier is mark; no other slice's at the port
  SharedRules rules;
  // Where there are class queues: the rules without them, for a device that refuses those.
  SharedRules undivided;
  // What the rules were made of: as long as that is the same, so are they.
  std::shared_ptr<const SlicePatterns> patterns;
  IngressClasses classes;
  std::size_t classes_told = 0;  // by the rules, where there are class queues
  std::string
      left_out;         // frames of the slice that come by the shared queue all the same; rare ones not named
  std::string why_not;  // why no better tier; empty for a queue
};

/// Leaves all classes to one queue. False where they are already.
bool undivide(SliceSteering& steering);

/// All its queues, the highest class first: "queue 3", "queues 4, 5, 3". Requires: tier is queue.
[[nodiscard]] std::string queues_text(const SliceSteering& steering);

[[nodiscard]] std::string_view to_string(SliceSteering::Tier tier);

/// What is known of a port when its slices are given their tiers.
struct SteeredPort {
  const NicProfile& nic;
  std::string_view refusal;  // what its device said where it takes less than its family
  uint16_t own_queues = 0;   // besides the shared one
  PortConfig::FlowRules flow_rules = PortConfig::FlowRules::automatic;
  std::span<const IngressClasses> classes;  // by SliceId, missing ones are one class
};

/// What a slice brings along from before.
struct SliceHistory {
  std::optional<QueueId> queue;  // its own at the port, where it stays as it was
  std::vector<QueueId> class_queues;
  std::optional<uint16_t> mark;             // likewise
  std::string distrust;                     // not empty: hardware has failed it there, and how
  const SliceSteering* in_force = nullptr;  // whose rules are made again only where they would be others
};

/// Gives each slice the best tier that there is room for, in the order of the slices. Those that have a queue
/// or a mark keep it. What queues are left then are for slices of several classes, a queue for each class,
/// in the order of the slices and the highest class first; a slice whose rules by class do not all fit stays
/// with one queue. `history`: by SliceId, missing ones have none. Pure; any thread.
[[nodiscard]] std::vector<SliceSteering> plan_steering(
    std::span<const std::shared_ptr<const SlicePatterns>> slices, const SteeredPort& port,
    std::span<const SliceHistory> history);

}  // namespace bulkhead
