// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "control/appliance.hpp"
#include "perf/isolation/traffic.hpp"

namespace bulkhead::perf {

/// The program's DPDK and packets, once. Ends the process with a sentence where there is none.
struct Ground {
  /// `memory`: for appliances in this process.
  explicit Ground(bool quick_run, Bytes memory = Bytes{512u << 20});
  bool quick;  // each run once and briefly, to see that it works
  std::shared_ptr<const Eal> eal;
  PacketPool pool;  // for the generator

  /// Seconds of a measurement, and how often each is made.
  [[nodiscard]] double seconds(double wanted) const { return quick ? std::min(wanted, 0.1) : wanted; }
  [[nodiscard]] int times(int wanted) const { return quick ? 1 : wanted; }
};

/// The real appliance, at ring devices named p0, p1, ... or others, and the generator at their far ends.
class Bench {
 public:
  struct Setup {
    std::string slices{};           // TOML
    std::size_t ports = 2;          // ring devices
    std::string speed = "10Gbps";   // of each
    std::string more_ports{};       // TOML, of other devices
    std::vector<uint64_t> costs{};  // cycles that each packet of a slice burns, by slice; missing: none
    std::size_t workers = 1;        // on the last cores
    uint16_t own_queues = 0;        // at each ring device, filled by VLAN as hardware would: kVlanNic
  };
  Bench(const Ground& ground, const Setup& setup);
  ~Bench();
  Bench(const Bench&) = delete;
  Bench& operator=(const Bench&) = delete;

  /// Delays are measured up to where the appliance gives a frame to its device: when the generator comes to
  /// collect it is nobody's doing.
  void measure_to_departure() const;

  /// The benches' [appliance], and `text`.
  [[nodiscard]] static Config config_of(const std::string& text);

  [[nodiscard]] Appliance& appliance() { return *appliance_; }
  [[nodiscard]] Traffic& traffic() { return *traffic_; }
  [[nodiscard]] Measured run(std::span<const Stream> streams, const RunTime& time) {
    return traffic_->run(streams, time, appliance_->worker_times());
  }

 private:
  std::vector<std::string> devices_;
  std::unique_ptr<Traffic> traffic_;
  std::unique_ptr<Appliance> appliance_;  // gives the devices back before they go
};

/// A wire slice between ports p0 and p1, all that is in the VLAN.
[[nodiscard]] std::string wire_slice(const std::string& name, uint32_t vlan, const std::string& more = "");
/// The beginning of a frame of the VLAN: UDP, from a station of the VLAN's own.
[[nodiscard]] std::vector<uint8_t> headers_of(uint32_t vlan, uint32_t length = 60);

/// CPU seconds that each slice was charged with.
[[nodiscard]] std::vector<double> cpu_seconds(const Snapshot& snapshot);

/// Ends the process with the sentence. Status 3, or 77 where the machine lacks something.
[[noreturn]] void give_up(const std::string& why, int status = 3);

}  // namespace bulkhead::perf
