// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace bulkhead {

/// Number of residence-time buckets. Bucket 0 counts packets that stayed at most 1 us, bucket i at most
/// 2^i us; the last one counts all that stayed longer.
inline constexpr std::size_t kResidenceBuckets = 24;

/// What the statistics endpoint knows: plain values copied from the data path's counters at one moment.
/// Made by the appliance, read by anything that prints. Rates are left to the reader of two snapshots, but
/// for the last interval's, which `RateMeter` fills in.
struct Snapshot {
  struct Traffic {
    uint64_t packets = 0;
    uint64_t bytes = 0;  // as handed over by the NIC: without frame check sequence
    double packets_per_second = 0;
    double bits_per_second = 0;  // of those bytes
  };

  /// How a slice's packets come at a port.
  struct Steering {
    std::string where;                   // "hardware", "mark", "software"
    std::optional<uint16_t> queue;       // where in hardware: by which
    std::vector<uint16_t> class_queues;  // and by which its highest classes, the highest first
    std::string why_not_hardware;
    std::string left_out;            // frames that come by the shared queue all the same
    std::vector<std::string> rules;  // in testpmd's syntax
    // Likewise, those of before of which one brought strangers, for which the slice is left to software.
    std::vector<std::string> suspects;
  };

  struct SlicePort {
    std::string port;
    Traffic received;
    uint64_t received_by_own_queue = 0;  // packets of those: steered by hardware, past the demultiplexer
    std::array<Traffic, 8> transmitted;  // by PCP
    std::array<uint64_t, 8> queued_packets{};  // by PCP
    uint64_t isolation_violations = 0;
    uint64_t guarantee_bits_per_second = 0;
    uint64_t ceiling_bits_per_second = 0;
    uint32_t rules_hardware = 0, rules_mark = 0, rules_software = 0;
    std::shared_ptr<const Steering> steering;  // the same in many snapshots; null: in software
  };

  struct Slice {
    std::string name;
    std::string forward;  // "wire", "switch"
    std::vector<SlicePort> ports;
    std::vector<std::pair<std::string, uint64_t>> dropped;  // by reason; every reason is there, also at zero
    uint64_t replicated_packets = 0;                        // further copies made by flooding
    uint64_t input_queued_packets = 0;                      // waiting for the slice to be visited
    uint64_t memory_packets = 0;                            // packet buffers that it holds
    uint64_t memory_quota_packets = 0;                      // and may hold
    uint64_t learned_addresses = 0;
    uint64_t unlearned_addresses = 0;  // frames whose source found no room in the table
    double cpu_seconds = 0;            // of worker time charged to it
    double cpu_throttled_seconds = 0;  // with work, and at its cap
    double cpu_percent = 0;            // of one core, in the last interval, as the next
    double cpu_throttled_percent = 0;
    double cpu_reserve_percent = 0;
    uint32_t cpu_weight = 0;
    std::optional<double> cpu_cap_percent;  // nothing: none
    std::optional<uint32_t> worker;         // where it is at home
    std::array<uint64_t, kResidenceBuckets> residence_buckets{};
    double residence_sum_seconds = 0;
    std::vector<std::array<uint64_t, kResidenceBuckets>> class_residence;  // by class, at all ports
  };

  struct Port {
    std::string name;
    std::string device;
    std::string driver;
    Traffic received;
    Traffic transmitted;
    uint64_t missed_packets = 0;           // lost in the NIC or its driver: no free descriptor or buffer
    uint64_t transmit_failed_packets = 0;  // lost there after it had accepted them
    bool link_up = false;
    std::string out_of_service;  // why: "reset", "removed"; else empty
    uint64_t resets = 0;         // of the device, as it asked for
    uint64_t removals = 0;       // of the device
    uint64_t speed_bits_per_second = 0;
    uint32_t mtu = 0;
    std::vector<std::pair<std::string, uint64_t>> unclaimed;  // by reason; every reason is there
  };

  struct Worker {
    uint32_t core = 0;
    double busy_seconds = 0;
    double idle_seconds = 0;
    double overhead_seconds = 0;  // of the busy ones: charged to no slice
    double stolen_seconds = 0;    // its core was taken by the kernel or the hypervisor
  };

  std::chrono::system_clock::time_point taken;
  std::string version;
  uint64_t config_generation = 0;
  std::chrono::system_clock::time_point last_apply;
  bool ready = false;                // ports up, rules in place, workers visiting
  std::string not_ready_because;     // one sentence where not ready
  uint64_t flow_rules_restored = 0;  // rules that devices had lost, and that were put back
  std::vector<Slice> slices;
  std::vector<Port> ports;
  std::vector<Worker> workers;
};

}  // namespace bulkhead
