// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "classifier/kept_flow_rules.hpp"
#include "control/config.hpp"
#include "control/confirmed_nic.hpp"
#include "control/port_rules.hpp"
#include "control/rule_changes.hpp"
#include "control/steering_plan.hpp"
#include "shaper/layout.hpp"

namespace bulkhead {

/// What stands for the devices' flow rules: their own, unless a test or a benchmark puts something else
/// there.
struct SteeringSeam {
  /// What the port takes of rules; null: what its driver is known to.
  std::function<const NicProfile*(const std::string& port)> profile;
  /// Where its rules go.
  std::function<std::unique_ptr<FlowTable>(const std::string& port, const Port&)> table;
};

/// Which of the slices' packets hardware steers: the plan, the rules in the devices, and what of it workers
/// may rely on. While rules change, the queues that they lead to are everybody's, so that a packet is whose
/// it is by whatever rule it came; only when all is as planned, queues are their slices' own. Control thread.
class Steering {
 public:
  using Ports = std::vector<std::shared_ptr<PortRuntime>>;
  using Slices = std::vector<std::shared_ptr<SliceRuntime>>;

  /// By port, and there by slice.
  using Plan = std::vector<std::vector<SliceSteering>>;

  /// What is steered where.
  struct Steered {
    Plan plan;
    std::vector<std::optional<KeptFlowRules>> compiled;  // by port, where rules may be in hardware
    Ports ports;
    Slices slices;
  };

  explicit Steering(SteeringSeam seam) : seam_(std::move(seam)) {}

  [[nodiscard]] const NicProfile* profile(const std::string& port) const {
    return seam_.profile ? seam_.profile(port) : nullptr;
  }

  /// Tries what devices that it does not know yet take of flow rules (confirm()), where they are to have any.
  /// Before plan(), which relies on that; what a port's device refused then holds until it is let go.
  void probe(const Config& config, const Ports& ports);

  /// What ought to be, under this configuration and these devices: nothing at ports that are null. Where
  /// entries are those of what is in force, its rules are, and are not made again.
  [[nodiscard]] Steered plan(const Config& config, Ports ports, Slices slices) const;

  /// Queues and marks whose slice and rules are the same now and in `next`: as both number ports and slices.
  struct Kept {
    std::vector<QueueOwner> now;
    std::vector<QueueOwner> next;
  };
  [[nodiscard]] Kept kept(const Steered& next) const;
  /// All queues that are steered to now, and all marks.
  [[nodiscard]] std::vector<QueueOwner> owners() const;

  /// What would become of the rules, by port, if `next` were put in force. Slices that are null are new.
  [[nodiscard]] std::vector<RuleChanges> changes(const Config& config, const Steered& next) const;
  /// What became of them at the last install().
  [[nodiscard]] const std::vector<RuleChanges>& last_changes() const { return last_changes_; }

  /// Puts the rules of `next` in force. What a device refuses is left to software, which the plan says then;
  /// not where flow_rules = "hardware" forbids it: that, and any other failure, is an error, and the rules
  /// are what they were.
  Result<void> install(const Config& config, Steered next);

  /// Waits until what came by queues that are to be a slice's, and are everybody's in `layout`, has been
  /// sorted, and so has what was marked: it may be from before they changed hands. For `patience` at most.
  void settle(const Layout& layout, std::chrono::nanoseconds patience) const;

  /// Takes out rules at ports that are not used any more, and lets go of them.
  void retain(const Ports& ports);

  /// Takes out the rules of a port that is about to be closed, and lets go of it.
  void forget(const PortRuntime& port);

  /// The rules that may have brought a slice the strangers for which it is distrusted at a port.
  [[nodiscard]] std::span<const FlowRule> suspects(PortId port, SliceId slice) const;

  /// Takes out the rules of a port whose device is about to be closed, and opened again later for the same
  /// plan; `resume` puts them in that device. An error there: none of them is.
  void suspend(const PortRuntime& port) { states_.erase(&port); }
  Result<void> resume(const Config& config, const PortRuntime& port);

  /// Looks after the rules: what a device has lost is put back; slices that hardware brought strangers are
  /// distrusted from now on. True where rules ought to change for that.
  bool audit(const Config& config);

  [[nodiscard]] const Plan& now() const { return now_.plan; }
  [[nodiscard]] uint64_t restored() const { return restored_; }

 private:
  struct PortState {
    std::shared_ptr<PortRuntime> port;
    PortRules rules;
  };
  struct Place {
    const PortRuntime* port;
    const SliceRuntime* slice;
    auto operator<=>(const Place&) const = default;
  };
  struct Distrust {
    std::string why;
    SharedRules suspects;  // one of these it was
  };
  using Index = std::map<Place, const SliceSteering*>;
  [[nodiscard]] static Index index_of(const Steered& steered);
  [[nodiscard]] std::vector<SliceHistory> history_at(const PortRuntime& port, const Slices& slices,
                                                     const Index& now) const;
  [[nodiscard]] const NicProfile& nic_of(const PortRuntime& port) const;
  [[nodiscard]] std::string_view refusal_of(const PortRuntime& port) const;
  [[nodiscard]] KeptFlowRules compiled_at(const PortRuntime& port, PortId id) const;
  PortState& state_of(const std::shared_ptr<PortRuntime>& port);
  [[nodiscard]] std::unique_ptr<FlowTable> table_of(const PortRuntime& port) const;
  bool distrust(const SliceSteering& steering, PortId port, const Config& config);
  Result<void> install_at(std::size_t port, const Config& config, Steered& next);

  SteeringSeam seam_;
  Steered now_;
  std::map<const PortRuntime*, ConfirmedNic> nics_;
  std::map<const PortRuntime*, PortState> states_;
  std::map<Place, Distrust> distrust_;
  std::vector<RuleChanges> last_changes_;
  std::map<Place, uint64_t> strangers_;  // seen at the last audit
  uint64_t restored_ = 0;                // rules put back
};

}  // namespace bulkhead
