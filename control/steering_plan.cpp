// SPDX-License-Identifier: Apache-2.0
#include "control/steering_plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <tuple>
#include <utility>

namespace bulkhead {
namespace {

using Tier = SliceSteering::Tier;

/// Queues or marks of a port, 1 and up, that are not taken, the lowest first.
class FreeNumbers {
 public:
  explicit FreeNumbers(uint16_t last) : taken_(last + std::size_t{1}) { taken_[0] = true; }

  bool take(uint16_t number) {
    if (number >= taken_.size() || taken_[number]) return false;
    return taken_[number] = true;
  }
  std::optional<uint16_t> take_any() {
    const auto free = std::ranges::find(taken_, false);
    if (free == taken_.end()) return std::nullopt;
    *free = true;
    return static_cast<uint16_t>(free - taken_.begin());
  }

 private:
  std::vector<bool> taken_;
};

/// Numbers for the kinds of frame that rules are for, where a device wants a priority for each.
class Priorities {
 public:
  explicit Priorities(const NicProfile& nic) : wanted_(nic.one_type_per_priority) {}

  uint8_t of(const FlowPattern& pattern) {
    if (!wanted_) return 0;
    const auto number = static_cast<uint8_t>(numbers_.size() + 1);
    return numbers_.try_emplace({pattern.tags, pattern.network, pattern.ethertype.value}, number)
        .first->second;
  }

 private:
  bool wanted_;
  std::map<std::tuple<FlowPattern::Tags, FlowPattern::Network, uint16_t>, uint8_t> numbers_;
};

class Planner {
 public:
  Planner(const SteeredPort& port, std::span<const SliceHistory> history)
      : port_(port),
        history_(history),
        queues_(port.own_queues),
        marks_(port.nic.to_mark ? kMostMarks - 1 : 0),
        priorities_(port.nic) {
    for (const SliceHistory& slice : history_)
      if (slice.mark) marks_.take(*slice.mark);
  }

  std::vector<SliceSteering> run(std::vector<SlicePatterns> slices) {
    std::vector<SliceSteering> out;
    for (SlicePatterns& slice : slices) {
      out.push_back({.slice = slice.slice,
                     .tier = Tier::software,
                     .rules = {},
                     .left_out = std::move(slice.left_out),
                     .why_not = why_software(slice)});
      keep_queue(out.back());
    }
    for (std::size_t i = 0; i < out.size(); ++i) give_tier(out[i], slices[i].patterns);
    return out;
  }

 private:
  [[nodiscard]] SliceHistory history_of(SliceId slice) const {
    return slice.value() < history_.size() ? history_[slice.value()] : SliceHistory{};
  }

  [[nodiscard]] std::string why_software(const SlicePatterns& slice) const {
    if (port_.flow_rules == PortConfig::FlowRules::software) return "flow_rules = \"software\"";
    if (const SliceHistory history = history_of(slice.slice); !history.distrust.empty())
      return history.distrust;
    return slice.why_software;
  }

  /// Before others are given what is free.
  void keep_queue(SliceSteering& steering) {
    const auto queue = history_of(steering.slice).queue;
    if (!steering.why_not.empty() || !queue || !queues_.take(queue->value())) return;
    steering.tier = Tier::queue;
    steering.queue = *queue;
  }

  void give_tier(SliceSteering& steering, const std::vector<FlowPattern>& patterns) {
    if (!steering.why_not.empty()) {
      steering.left_out.clear();
      return;
    }
    if (steering.tier != Tier::queue) give_queue(steering);
    FlowAction action{.kind = FlowAction::Kind::queue, .queue = steering.queue};
    if (steering.tier == Tier::mark)
      action = {.kind = FlowAction::Kind::mark, .queue = {}, .mark = steering.mark};
    if (steering.tier == Tier::software) return;
    for (const FlowPattern& pattern : patterns)
      steering.rules.push_back({.pattern = pattern,
                                .action = action,
                                .group = port_.nic.group,
                                .priority = priorities_.of(pattern)});
  }

  void give_queue(SliceSteering& steering) {
    const bool may_queue = port_.nic.to_queue;
    if (const auto queue = may_queue ? queues_.take_any() : std::nullopt) {
      steering.tier = Tier::queue;
      steering.queue = QueueId{*queue};
      return;
    }
    steering.why_not = may_queue ? fmt::format("the port's {} queues for slices are taken", port_.own_queues)
                                 : fmt::format("{} steers to no queue", port_.nic.name);
    auto mark = history_of(steering.slice).mark;
    if (!mark) mark = marks_.take_any();
    if (!port_.nic.to_mark || !mark) return;
    steering.tier = Tier::mark;
    steering.mark = *mark;
  }

  const SteeredPort& port_;
  std::span<const SliceHistory> history_;
  FreeNumbers queues_;
  FreeNumbers marks_;
  Priorities priorities_;
};

}  // namespace

std::string_view to_string(SliceSteering::Tier tier) {
  constexpr std::array<std::string_view, 3> kNames{"hardware", "mark", "software"};
  return kNames[static_cast<std::size_t>(tier)];
}

std::vector<SliceSteering> plan_steering(std::vector<SlicePatterns> slices, const SteeredPort& port,
                                         std::span<const SliceHistory> history) {
  return Planner(port, history).run(std::move(slices));
}

}  // namespace bulkhead
