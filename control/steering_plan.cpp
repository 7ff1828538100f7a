// SPDX-License-Identifier: Apache-2.0
#include "control/steering_plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <tuple>
#include <utility>

#include "control/class_queues.hpp"
#include "control/free_numbers.hpp"

namespace bulkhead {
namespace {

using Tier = SliceSteering::Tier;

/// Numbers for the kinds of frame that rules are for, where a device wants a priority for each.
class Priorities {
 public:
  explicit Priorities(const NicProfile& nic) : wanted_(nic.one_type_per_priority) {}

  [[nodiscard]] bool are_wanted() const { return wanted_; }

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

  std::vector<SliceSteering> run(std::span<const std::shared_ptr<const SlicePatterns>> slices) {
    std::vector<SliceSteering> out;
    for (const auto& slice : slices) {
      out.push_back({.slice = slice->slice,
                     .tier = Tier::software,
                     .class_queues = {},
                     .rules = {},
                     .undivided = {},
                     .patterns = slice,
                     .classes = classes_of(slice->slice),
                     .left_out = slice->left_out,
                     .why_not = why_software(*slice)});
      keep_queue(out.back());
    }
    for (SliceSteering& steering : out) give_tier(steering);
    for (const SliceSteering& steering : out) rules_ += steering.rules.size();
    for (SliceSteering& steering : out) divide_classes(steering);
    return out;
  }

 private:
  [[nodiscard]] const SliceHistory& history_of(SliceId slice) const {
    static const SliceHistory none;
    return slice.value() < history_.size() ? history_[slice.value()] : none;
  }

  [[nodiscard]] IngressClasses classes_of(SliceId slice) const {
    return slice.value() < port_.classes.size() ? port_.classes[slice.value()] : IngressClasses{};
  }

  [[nodiscard]] std::string why_software(const SlicePatterns& slice) const {
    if (port_.flow_rules == PortConfig::FlowRules::software) return "flow_rules = \"software\"";
    if (const SliceHistory& history = history_of(slice.slice); !history.distrust.empty())
      return history.distrust;
    if (port_.nic.most_rules == 0 && !port_.refusal.empty()) return std::string(port_.refusal);
    return slice.why_software;
  }

  /// Before others are given what is free.
  void keep_queue(SliceSteering& steering) {
    const auto queue = history_of(steering.slice).queue;
    if (!steering.why_not.empty() || !queue || !queues_.take(queue->value())) return;
    steering.tier = Tier::queue;
    steering.queue = *queue;
  }

  void give_tier(SliceSteering& steering) {
    if (!steering.why_not.empty()) {
      steering.left_out.clear();
      return;
    }
    if (steering.tier != Tier::queue) give_queue(steering);
    if (steering.tier == Tier::software) return;
    const SliceSteering* const before = history_of(steering.slice).in_force;
    if (before != nullptr && leads_as(*before, steering))
      steering.rules = before->class_queues.empty() ? before->rules : before->undivided;
    else
      steering.rules = made_rules(steering);
  }

  /// Whether the rules in force are those that would be made.
  [[nodiscard]] bool leads_as(const SliceSteering& before, const SliceSteering& steering) const {
    // A priority depends on the slices before.
    if (priorities_.are_wanted() || before.tier != steering.tier) return false;
    const bool same_way =
        steering.tier == Tier::queue ? before.queue == steering.queue : before.mark == steering.mark;
    return same_way && (before.patterns == steering.patterns ||
                        (before.patterns && before.patterns->patterns == steering.patterns->patterns));
  }

  [[nodiscard]] std::vector<FlowRule> made_rules(const SliceSteering& steering) {
    FlowAction action{.kind = FlowAction::Kind::queue, .queue = steering.queue};
    if (steering.tier == Tier::mark)
      action = {.kind = FlowAction::Kind::mark, .queue = {}, .mark = steering.mark};
    std::vector<FlowRule> rules;
    rules.reserve(steering.patterns->patterns.size());
    for (const FlowPattern& pattern : steering.patterns->patterns)
      rules.push_back({.pattern = pattern,
                       .action = action,
                       .group = port_.nic.group,
                       .priority = priorities_.of(pattern)});
    return rules;
  }

  void give_queue(SliceSteering& steering) {
    const bool may_queue = port_.nic.to_queue;
    if (const auto queue = may_queue ? queues_.take_any() : std::nullopt) {
      steering.tier = Tier::queue;
      steering.queue = QueueId{*queue};
      return;
    }
    steering.why_not = why_no_queue();
    auto mark = history_of(steering.slice).mark;
    if (!mark) mark = marks_.take_any();
    if (!port_.nic.to_mark || !mark) return;
    steering.tier = Tier::mark;
    steering.mark = *mark;
  }

  [[nodiscard]] std::string why_no_queue() const {
    if (port_.nic.to_queue) return fmt::format("the port's {} queues for slices are taken", port_.own_queues);
    if (!port_.refusal.empty()) return std::string(port_.refusal);
    return fmt::format("{} steers to no queue", port_.nic.name);
  }

  /// Each class comes by a queue of its own, as far as there are queues.
  void divide_classes(SliceSteering& steering) {
    if (steering.tier != Tier::queue || steering.classes.count() < 2 || queues_.are_all_taken()) return;
    const SliceSteering* const before = division_in_force(steering);
    std::optional<std::vector<ClassRule>> rules;
    if (before == nullptr) {
      rules = class_rules(steering.rules.list(), steering.classes, port_.nic);
      if (!rules) return;
    }
    const std::size_t more = (rules ? rules->size() : before->rules.size()) - steering.rules.size();
    if (rules_ + more > port_.nic.most_rules) return;
    steering.classes_told = rules ? classes_in(*rules).size() : before->classes_told;
    take_class_queues(steering);
    if (steering.class_queues.empty()) return;
    rules_ += more;
    steering.undivided = steering.rules;
    if (before != nullptr && before->class_queues == steering.class_queues) {
      steering.rules = before->rules;
      return;
    }
    if (!rules) rules = class_rules(steering.rules.list(), steering.classes, port_.nic);
    steering.rules = divided(*rules, steering.class_queues);
  }

  /// What has the same classes and undivided rules; null where nothing has.
  [[nodiscard]] const SliceSteering* division_in_force(const SliceSteering& steering) const {
    const SliceSteering* const before = history_of(steering.slice).in_force;
    const bool is_same = before != nullptr && !before->class_queues.empty() &&
                         before->classes == steering.classes && before->undivided == steering.rules;
    return is_same ? before : nullptr;
  }

  void take_class_queues(SliceSteering& steering) {
    std::vector<QueueId>& queues = steering.class_queues;
    const std::size_t wanted = steering.classes_told - 1;  // the lowest class stays where it is
    for (const QueueId kept : history_of(steering.slice).class_queues)
      if (queues.size() < wanted && queues_.take(kept.value())) queues.push_back(kept);
    while (queues.size() < wanted) {
      const auto queue = queues_.take_unclaimed();
      if (!queue) break;
      queues.emplace_back(*queue);
    }
  }

  static std::vector<FlowRule> divided(std::span<const ClassRule> rules, std::span<const QueueId> queues) {
    const std::vector<uint8_t> classes = classes_in(rules);
    std::vector<FlowRule> out;
    out.reserve(rules.size());
    for (const ClassRule& rule : rules) {
      const auto at = static_cast<std::size_t>(std::ranges::find(classes, rule.number) - classes.begin());
      out.push_back(rule.rule);
      if (at < queues.size()) out.back().action.queue = queues[at];
    }
    return out;
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

std::vector<SliceSteering> plan_steering(std::span<const std::shared_ptr<const SlicePatterns>> slices,
                                         const SteeredPort& port, std::span<const SliceHistory> history) {
  return Planner(port, history).run(slices);
}

}  // namespace bulkhead
