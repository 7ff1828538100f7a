// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "control/appliance.hpp"
#include "control/certify_traffic.hpp"

namespace bulkhead {

/// The appliance as `run` would start it, with its workers, but at devices inside this process, and the test
/// traffic at their far ends. Control thread only; once per process (see Eal).
class CertifyBench {
 public:
  /// `streams`: how many will be sent at once at most; `frame_bytes`: the longest frame of any.
  static ApplianceResult<std::unique_ptr<CertifyBench>> start(Config config, std::size_t streams,
                                                              std::size_t frame_bytes);
  CertifyBench(const CertifyBench&) = delete;
  CertifyBench& operator=(const CertifyBench&) = delete;
  ~CertifyBench();

  /// As TestTraffic::run, with the appliance's workers.
  [[nodiscard]] std::vector<Measured> run(std::span<const TestTraffic::Flow> flows, std::size_t subjects,
                                          const CertifyTime& time) {
    return traffic_->run(flows, subjects, time, appliance_->worker_times());
  }
  [[nodiscard]] std::size_t workers() const { return appliance_->workers(); }
  /// A worker could not go on: nothing that was measured since means anything.
  [[nodiscard]] bool has_failed() const { return failed_; }

 private:
  CertifyBench() = default;

  std::atomic<bool> failed_{false};  // workers: write, control: reads
  // Undone from the last to the first: the appliance uses the traffic's devices.
  std::shared_ptr<const Eal> eal_;
  std::optional<TestTraffic> traffic_;
  std::unique_ptr<Appliance> appliance_;
};

/// The cores for the workers: as configured, as far as there are so many, with one left for the traffic.
[[nodiscard]] std::vector<uint32_t> bench_cores(const ApplianceConfig& config, std::vector<uint32_t> usable);

/// The operator's DPDK arguments without those that name devices, which a test must not touch.
[[nodiscard]] std::vector<std::string> without_devices(const std::vector<std::string>& arguments);

}  // namespace bulkhead
