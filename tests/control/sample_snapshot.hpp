// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "control/snapshot.hpp"

namespace bulkhead {

/// Two slices on two ports with a different figure wherever one could be mistaken for another.
inline Snapshot sample_snapshot() {
  Snapshot snapshot;
  snapshot.taken = std::chrono::system_clock::time_point{std::chrono::milliseconds{1'700'000'000'500}};
  snapshot.last_apply = std::chrono::system_clock::time_point{std::chrono::seconds{1'600'000'000}};
  snapshot.version = "1.2.3";
  snapshot.config_generation = 7;
  snapshot.ready = true;
  uint64_t figure = 1000;
  for (const char* name : {"lab-a", "voice"}) {
    Snapshot::Slice slice;
    slice.name = name;
    slice.forward = "switch";
    for (const char* port_name : {"uplink", "north"}) {
      Snapshot::SlicePort port;
      port.port = port_name;
      port.received = {figure++, figure++, 10.5, 8000};
      for (std::size_t pcp = 0; pcp < 8; ++pcp) {
        port.transmitted[pcp] = {figure++, figure++, 2, 1000};
        port.queued_packets[pcp] = figure++;
      }
      port.isolation_violations = figure++;
      port.guarantee_bits_per_second = 2'000'000'000;
      port.ceiling_bits_per_second = 5'000'000'000;
      port.rules_hardware = 1;
      port.rules_mark = 2;
      port.rules_software = 3;
      slice.ports.push_back(port);
    }
    slice.dropped = {{"malformed", 0}, {"queue_full", figure++}, {"shutdown", 0}};
    slice.replicated_packets = figure++;
    slice.input_queued_packets = figure++;
    slice.memory_packets = figure++;
    slice.memory_quota_packets = figure++;
    slice.learned_addresses = figure++;
    slice.unlearned_addresses = figure++;
    slice.cpu_seconds = 1.5;
    slice.cpu_throttled_seconds = 0.25;
    slice.cpu_percent = 42.5;
    slice.cpu_throttled_percent = 7;
    slice.cpu_reserve_percent = 30;
    slice.cpu_weight = 512;
    slice.cpu_cap_percent = 80;
    slice.worker = 1;
    slice.residence_buckets[0] = 4;
    slice.residence_buckets[3] = 5;
    slice.residence_buckets[kResidenceBuckets - 1] = 6;
    slice.class_residence.resize(2);
    slice.class_residence[0] = {4, 0, 0, 5};
    slice.class_residence[1][kResidenceBuckets - 1] = 6;
    slice.residence_sum_seconds = 60.5;
    snapshot.slices.push_back(slice);
  }
  for (const char* name : {"uplink", "north"}) {
    Snapshot::Port port;
    port.name = name;
    port.device = "net_af_packet0,iface=veth1";
    port.driver = "net_af_packet";
    port.received = {figure++, figure++, 100, 80'000};
    port.transmitted = {figure++, figure++, 200, 160'000};
    port.missed_packets = figure++;
    port.transmit_failed_packets = figure++;
    port.link_up = true;
    port.resets = figure++;
    port.removals = figure++;
    port.speed_bits_per_second = 10'000'000'000;
    port.mtu = 1500;
    port.unclaimed = {{"malformed", 0}, {"not_in_flowspace", figure++}};
    snapshot.ports.push_back(port);
  }
  snapshot.ports.back().out_of_service = "removed";
  snapshot.workers = {{1, 12.5, 3.5, 0.5, 0.125}, {2, 13.5, 4.5, 0, 0}};
  return snapshot;
}

}  // namespace bulkhead
