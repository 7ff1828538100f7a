// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "control/appliance_fault.hpp"
#include "control/build_slice.hpp"
#include "control/config.hpp"
#include "control/entitlement.hpp"
#include "control/memory_plan.hpp"
#include "control/port_outages.hpp"
#include "control/snapshot.hpp"
#include "control/steering.hpp"
#include "control/worker_watch.hpp"
#include "nic/eal.hpp"
#include "nic/packet_pool.hpp"
#include "shaper/dataplane.hpp"

namespace bulkhead {

/// The appliance under one configuration: devices, packet memory and the data path, from start to stop. One
/// control thread calls it; `snapshot` any thread may.
class Appliance {
 public:
  /// Opens the devices and starts a worker on each of `cores`. `on_failure` is called from a worker that
  /// cannot go on, with one sentence. Once per process (see Eal).
  static ApplianceResult<std::unique_ptr<Appliance>> start(Config config, std::vector<uint32_t> cores,
                                                           std::function<void(std::string)> on_failure);

  /// Likewise, in a DPDK that runs already, in which the caller has made devices of its own. `decorate` is
  /// called for each slice that is built, also by `reload`; `steering` stands for the devices' flow rules.
  static ApplianceResult<std::unique_ptr<Appliance>> start(std::shared_ptr<const Eal> eal, Config config,
                                                           std::vector<uint32_t> cores,
                                                           std::function<void(std::string)> on_failure,
                                                           ModelDecorator decorate = nullptr,
                                                           SteeringSeam steering = {});

  /// DPDK with the memory that the configuration asks for, and `more` for the caller's own.
  static Result<std::shared_ptr<const Eal>> start_eal(const Config& config, Bytes more);

  Appliance(const Appliance&) = delete;
  Appliance& operator=(const Appliance&) = delete;
  ~Appliance();

  /// Whether `reload` may try: what can be refused without touching a device.
  [[nodiscard]] ApplianceResult<void> prove_change(const Config& config) const;

  /// What `reload` would do to hardware flow rules at ports that stay open. Touches no device.
  [[nodiscard]] std::vector<RuleChanges> plan_rules(const Config& config) const;
  /// What the last change did to them.
  [[nodiscard]] const std::vector<RuleChanges>& rules_changed() const { return steering_.last_changes(); }

  /// Changes to another configuration. Ports with the same device and slices that are the same in both go on
  /// undisturbed. Refused, or failed half-way: the old configuration is in force, and the fault says why and
  /// what had to be opened again. `broken`: it is not, and nothing may be forwarded.
  ApplianceResult<void> reload(Config config);

  /// Looks whether hardware does what it was told, and takes from it what it does not. Devices that ask for a
  /// reset are closed and opened again; those that were removed are closed, and opened again once they are
  /// back. Slices go on at their other ports. To be called every second or so.
  void audit();

  /// Forwards what is queued, for at most `patience`, and ends the data path. Counters can still be read.
  void stop(std::chrono::nanoseconds patience);

  [[nodiscard]] const Config& config() const { return config_; }
  /// Counts the configurations that came into force; the first is 1.
  [[nodiscard]] uint64_t generation() const { return generation_; }
  [[nodiscard]] bool hugepages() const { return eal_->hugepages(); }
  [[nodiscard]] uint32_t workers() const { return static_cast<uint32_t>(cores_.size()); }
  /// Packets that are out of the pool. For a check that none is lost; none may be once ports are closed.
  [[nodiscard]] uint32_t packets_in_use() const { return pool_.in_use(); }

  /// As Dataplane::place: the slice, by its place in the configuration, is at home with that worker now.
  void place(std::size_t slice, std::size_t worker) { dataplane_->place(slice, worker); }

  /// What the workers spent their time on, by number.
  [[nodiscard]] std::span<const WorkerTime> worker_times() const { return dataplane_->worker_times(); }

  /// What was counted up to now. Rates are not filled in.
  [[nodiscard]] Snapshot snapshot() const;

 private:
  /// Everything that runs under config_, in its order; null where it was taken out.
  using Ports = std::vector<std::shared_ptr<PortRuntime>>;
  using Slices = std::vector<std::shared_ptr<SliceRuntime>>;

  Appliance(std::shared_ptr<const Eal> eal, PacketPool pool, std::vector<uint32_t> cores,
            ModelDecorator decorate, SteeringSeam steering);

  struct Running {
    Config config;
    Ports ports;
    Slices slices;
    std::shared_ptr<const SliceTable> table;
  };
  /// Opens what is still missing in `ports`.
  ApplianceResult<Running> build(Config config, Ports ports) const;
  enum class Open : uint8_t { all, not_in_use };
  Result<void> open_ports(const Config& config, Open which, Ports& ports) const;
  [[nodiscard]] Result<Port> open_device(const Config& config, PortId id, const PortRuntime* before) const;
  void tend_ports();
  void take_out_of_service(std::size_t port, PortTrouble trouble);
  void try_to_bring_back(std::size_t port);
  Result<void> bring_back(std::size_t port);
  [[nodiscard]] Ports unchanged_ports(const Config& config) const;
  [[nodiscard]] bool is_in_use(const PortConfig& config) const;
  Slices build_slices(const Config& config, const Ports& ports) const;
  void set_rates();

  std::vector<std::string> release_ports(const Config& next);
  ApplianceFault restore(const ApplianceFault& because, const std::vector<std::string>& released);
  [[nodiscard]] PacketMemory memory() const;
  void add_slice(Snapshot& snapshot, std::size_t slice,
                 const ReportedSpeeds& speeds) const;  // Requires: mutex_
  void add_workers(Snapshot& snapshot) const;          // Requires: mutex_
  ApplianceResult<void> put_in_force(Running next);
  Result<void> run(Running next, uint64_t generation);
  Result<void> steer(Steering::Steered next);
  Result<void> change_rules(const Config& config, Steering::Steered next, std::span<const QueueOwner> kept);
  void hand_over_queues();
  void view_steering();  // Requires: mutex_
  void publish_owners(std::span<const QueueOwner> owners);
  [[nodiscard]] Result<std::shared_ptr<const SliceTable>> table_for(const Config& config) const;
  [[nodiscard]] std::unique_ptr<const Layout> empty_layout(SliceTable nothing) const;

  std::shared_ptr<const Eal> eal_;
  mutable PacketPool pool_;
  std::vector<uint32_t> cores_;
  ModelDecorator decorate_;

  mutable std::mutex mutex_;  // control: writes what follows, readers of snapshots: read
  Config config_;
  std::shared_ptr<const SliceTable> table_;  // of config_
  Ports ports_;
  Slices slices_;
  uint64_t generation_ = 0;
  std::vector<std::vector<std::shared_ptr<const Snapshot::Steering>>> steering_views_;  // by slice, and port
  uint64_t flow_rules_restored_ = 0;
  std::chrono::system_clock::time_point last_apply_;
  bool stopped_ = false;
  mutable std::optional<WorkerWatch> watch_;  // from the start of the data path
  PortOutages outages_;
  Steering steering_;                     // lives longer than what relies on it
  std::unique_ptr<Dataplane> dataplane_;  // last: what runs ends before what it uses
};

}  // namespace bulkhead
