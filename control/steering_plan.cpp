// SPDX-License-Identifier: Apache-2.0
#include "control/steering_plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <tuple>
#include <utility>

#include "control/class_queues.hpp"

namespace bulkhead {
namespace {

using Tier = SliceSteering::Tier;

/// Queues or marks of a port, 1 and up, that are not taken, the lowest first.
class FreeNumbers {
 public:
  explicit FreeNumbers(uint16_t last) : taken_(last + std::size_t{1}), set_aside_(taken_.size()) {
    taken_[0] = true;
  }

  /// Others get it only where there is no other left.
  void set_aside(uint16_t number) {
    if (number < set_aside_.size()) set_aside_[number] = true;
  }

  bool take(uint16_t number) {
    if (number >= taken_.size() || taken_[number]) return false;
    return taken_[number] = true;
  }
  std::optional<uint16_t> take_any() {
    if (const auto free = take_unclaimed()) return free;
    // The last is what a class got that is lower, or of a later slice.
    for (std::size_t number = taken_.size(); number-- > 1;)
      if (take(static_cast<uint16_t>(number))) return static_cast<uint16_t>(number);
    return std::nullopt;
  }
  /// One that is not set aside either.
  std::optional<uint16_t> take_unclaimed() {
    for (std::size_t number = 1; number < taken_.size(); ++number)
      if (!set_aside_[number] && take(static_cast<uint16_t>(number))) return static_cast<uint16_t>(number);
    return std::nullopt;
  }

 private:
  std::vector<bool> taken_;
  std::vector<bool> set_aside_;
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
    for (const SliceHistory& slice : history_) {
      if (slice.mark) marks_.take(*slice.mark);
      for (const QueueId queue : slice.class_queues) queues_.set_aside(queue.value());
    }
  }

  std::vector<SliceSteering> run(std::vector<SlicePatterns> slices) {
    std::vector<SliceSteering> out;
    for (SlicePatterns& slice : slices) {
      out.push_back({.slice = slice.slice,
                     .tier = Tier::software,
                     .class_queues = {},
                     .rules = {},
                     .undivided = {},
                     .left_out = std::move(slice.left_out),
                     .why_not = why_software(slice)});
      keep_queue(out.back());
    }
    for (std::size_t i = 0; i < out.size(); ++i) give_tier(out[i], slices[i].patterns);
    for (const SliceSteering& steering : out) rules_ += steering.rules.size();
    for (SliceSteering& steering : out) divide_classes(steering);
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

  /// Each class comes by a queue of its own, as far as there are queues.
  void divide_classes(SliceSteering& steering) {
    if (steering.tier != Tier::queue || steering.slice.value() >= port_.classes.size()) return;
    const auto rules = class_rules(steering.rules, port_.classes[steering.slice.value()], port_.nic);
    if (!rules || rules_ - steering.rules.size() + rules->size() > port_.nic.most_rules) return;
    const std::vector<uint8_t> classes = classes_in(*rules);
    std::vector<QueueId>& queues = steering.class_queues;
    const std::size_t wanted = classes.size() - 1;  // the lowest class stays where it is
    for (const QueueId kept : history_of(steering.slice).class_queues)
      if (queues.size() < wanted && queues_.take(kept.value())) queues.push_back(kept);
    while (queues.size() < wanted) {
      const auto queue = queues_.take_unclaimed();
      if (!queue) break;
      queues.emplace_back(*queue);
    }
    if (queues.empty()) return;
    rules_ += rules->size() - steering.rules.size();
    steering.undivided = std::exchange(steering.rules, {});
    for (const ClassRule& rule : *rules) {
      const auto at = static_cast<std::size_t>(std::ranges::find(classes, rule.number) - classes.begin());
      steering.rules.push_back(rule.rule);
      if (at < queues.size()) steering.rules.back().action.queue = queues[at];
    }
  }

  const SteeredPort& port_;
  std::span<const SliceHistory> history_;
  std::size_t rules_ = 0;  // of all slices
  FreeNumbers queues_;
  FreeNumbers marks_;
  Priorities priorities_;
};

}  // namespace

bool undivide(SliceSteering& steering) {
  if (steering.class_queues.empty()) return false;
  steering.class_queues.clear();
  steering.rules = std::exchange(steering.undivided, {});
  return true;
}

std::string queues_text(const SliceSteering& steering) {
  if (steering.class_queues.empty()) return fmt::format("queue {}", steering.queue.value());
  std::string text = "queues ";
  for (const QueueId queue : steering.class_queues) text += fmt::format("{}, ", queue.value());
  return text + std::to_string(steering.queue.value());
}

std::string_view to_string(SliceSteering::Tier tier) {
  constexpr std::array<std::string_view, 3> kNames{"hardware", "mark", "software"};
  return kNames[static_cast<std::size_t>(tier)];
}

std::vector<SliceSteering> plan_steering(std::vector<SlicePatterns> slices, const SteeredPort& port,
                                         std::span<const SliceHistory> history) {
  return Planner(port, history).run(std::move(slices));
}

}  // namespace bulkhead
