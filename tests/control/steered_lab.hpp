// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <initializer_list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "control/appliance.hpp"
#include "tests/control/lab.hpp"
#include "tests/support/frames.hpp"
#include "tests/support/ring_device.hpp"
#include "tests/support/simulated_nic.hpp"

namespace bulkhead::test {

/// Two ports "left" and "right" whose devices are rings behind simulated NICs, and an appliance on them. DPDK
/// runs once in the process, for one such lab after the other.
class SteeredLab {
 public:
  static constexpr uint16_t kQueues = 8;
  /// Calls that come before those for slices, where a NIC both queues and marks: probe rules come and go.
  static constexpr std::size_t kProbeCalls = 4;

  explicit SteeredLab(const std::string& family);
  /// With NICs of a family that the test has made up; it must outlive the lab.
  explicit SteeredLab(const NicProfile& profile);
  ~SteeredLab();

  /// The configuration's beginning: [appliance] and both ports.
  static std::string ports(const std::string& flow_rules = "auto");

  /// For every slice that is built, where it is set.
  ModelDecorator decorate;

  /// Fails the test where it does not start.
  void start(const std::string& text);
  [[nodiscard]] ApplianceResult<void> try_start(const std::string& text);
  [[nodiscard]] std::string reload(const std::string& text);
  /// Before devices end that a test has made for it besides.
  void stop() { appliance_.reset(); }
  [[nodiscard]] Appliance& appliance() { return *appliance_; }

  /// The frame arrives at the left port; its NIC picks the queue and the mark, or `misled` does. False: lost
  /// at the device.
  bool send(const Frame& frame);
  std::function<QueueId(QueueId)> misled;
  std::function<uint32_t(uint32_t)> mismarked;  // 0 is no mark
  [[nodiscard]] std::vector<Frame> received() { return right_.collect(); }
  [[nodiscard]] bool all_received() const { return left_.all_received(); }

  [[nodiscard]] SimulatedNic& left_nic() { return left_nic_; }
  [[nodiscard]] SimulatedNic& right_nic() { return right_nic_; }

  [[nodiscard]] Snapshot::SlicePort at_left(const std::string& slice);
  [[nodiscard]] Snapshot::Slice slice(const std::string& name);
  /// At the left port, how many packets are accounted for under some name.
  [[nodiscard]] uint64_t accounted_at_left();

 private:
  const NicProfile& profile_;
  std::shared_ptr<const Eal> eal_;
  PacketPool pool_;
  RingDevice left_;
  RingDevice right_;
  SimulatedNic left_nic_;
  SimulatedNic right_nic_;
  std::unique_ptr<Appliance> appliance_;
};

/// Slices v100, v200, ... for these VLANs, wires between the two ports.
[[nodiscard]] std::string wires(std::initializer_list<uint16_t> vlans,
                                const std::string& flow_rules = "auto");

/// The simulated NICs of a family, by the name of the family.
[[nodiscard]] const NicProfile& family(const std::string& name);

/// A NIC that can steer to no queue, and marks instead.
[[nodiscard]] const NicProfile& marking_nic();

}  // namespace bulkhead::test
