// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "nic/flow_table.hpp"
#include "nic/nic_profile.hpp"

namespace bulkhead::test {

/// A NIC of some family: takes and refuses rules within that family's limits, and carries them out on frames
/// in that family's way. Shares no code with what compiles rules, and reads frames by itself.
class SimulatedNic final : public FlowTable {
 public:
  explicit SimulatedNic(const NicProfile& profile) : profile_(profile) {}

  Result<FlowHandle> create(const FlowRule& rule) override;
  Result<void> destroy(FlowHandle handle) override;
  Result<std::optional<uint64_t>> hits(FlowHandle handle) override;

  /// What it does with a frame: nothing where no rule has it, and it comes by the shared queue unmarked.
  [[nodiscard]] std::optional<FlowAction> steer(std::span<const uint8_t> frame);
  /// How many of the rules have it. Where they are disjoint, one at most.
  [[nodiscard]] std::size_t rules_for(std::span<const uint8_t> frame) const;

  /// The rules in force.
  [[nodiscard]] std::vector<FlowRule> rules() const;
  /// Loses all rules, as at a reset, without a word.
  void lose_rules();
  /// Loses one of them.
  void lose_rule(std::size_t which);

  /// Called before each call that changes something, with how many such calls there were before: an error is
  /// what the call answers then.
  std::function<std::optional<Error>(std::size_t call)> fault;
  [[nodiscard]] std::size_t calls() const { return calls_; }

  /// Called for each rule that is created or destroyed: how many frames come until it acts accordingly.
  std::function<uint64_t()> late;
  /// The VID that it takes a tag's for.
  std::function<uint16_t(uint16_t vid)> misread;

 private:
  struct Entry {
    FlowRule rule;
    uint64_t since = 0;  // acts on frames from this one on
    uint64_t hits = 0;
  };
  struct Gone {
    FlowRule rule;
    uint64_t until;
  };
  std::optional<Error> next_call();
  std::optional<FlowAction> steer_as_seen(std::span<const uint8_t> frame);
  [[nodiscard]] bool has_priority_for(const FlowRule& rule) const;
  [[nodiscard]] bool agrees_with_others(const FlowPattern& pattern) const;

  const NicProfile& profile_;
  std::map<uint64_t, Entry> rules_;  // by handle
  std::set<FlowPattern> patterns_;   // of the rules
  std::vector<Gone> gone_;           // destroyed, and acted on for a while yet
  uint64_t frames_ = 0;
  uint64_t next_ = 1;
  std::size_t calls_ = 0;
};

/// Why a NIC of the family would refuse the pattern; nothing where it takes it.
[[nodiscard]] std::optional<std::string> refusal_of(const FlowPattern& pattern, const NicProfile& profile);

/// Whether a NIC of the family lets the pattern have the frame.
[[nodiscard]] bool has_frame(const FlowPattern& pattern, const NicProfile& profile,
                             std::span<const uint8_t> frame);

}  // namespace bulkhead::test
