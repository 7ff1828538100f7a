// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "nic/counter.hpp"

namespace bulkhead {

/// Why a packet goes no further. One list in the program; each has its line in the README that says what an
/// operator should do about it.
enum class DropReason : uint8_t {
  malformed,         // broken headers
  not_in_flowspace,  // no slice, or not the slice whose queue it came through
  no_output,         // the forwarding model knows no port for it
  queue_full,        // its queue is full
  memory_quota,      // the slice holds as many packets as it may
  no_buffer,         // packet memory is exhausted: no buffer for a copy
  cpu_budget,        // the slice has used its CPU time up
  ceiling,           // the slice may send no faster
  table_full,        // no room for its state in a table of the slice, where the model cannot do without
  transmit_failed,   // the port did not take it
  frame_too_long,    // longer than the output port can send
  egress_vlan,       // its VLAN is not one the slice has at the output port
  reserved_address,  // link-local destination 01:80:c2:00:00:0x (IEEE 802.1D, table 7-10)
  shutdown,          // still queued when the slice or the appliance stopped
};
inline constexpr std::size_t kDropReasons = static_cast<std::size_t>(DropReason::shutdown) + 1;

inline constexpr std::array<std::string_view, kDropReasons> kDropReasonNames{
    "malformed",      "not_in_flowspace", "no_output",        "queue_full", "memory_quota",
    "no_buffer",      "cpu_budget",       "ceiling",          "table_full", "transmit_failed",
    "frame_too_long", "egress_vlan",      "reserved_address", "shutdown"};

[[nodiscard]] constexpr std::string_view to_string(DropReason reason) {
  return kDropReasonNames[static_cast<std::size_t>(reason)];
}

/// Drops by reason. One writer, see Counter.
class DropCounters {
 public:
  void add(DropReason reason, uint64_t packets) { counters_[static_cast<std::size_t>(reason)].add(packets); }
  [[nodiscard]] uint64_t read(DropReason reason) const {
    return counters_[static_cast<std::size_t>(reason)].read();
  }

 private:
  std::array<Counter, kDropReasons> counters_;
};

}  // namespace bulkhead
