// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "nic/flow_rule.hpp"

/// What families of NICs take of rte_flow, as DPDK 22.11's drivers and guides have it. A profile says what is
/// worth asking for; that a rule was created is the only proof that the device takes it.
namespace bulkhead {

/// How much of a field a device compares.
enum class Compares : uint8_t {
  nothing,  // the field may not be asked for
  whole,    // all of its bits
  prefix,   // its first bits (addresses)
  bits,     // any of its bits
};

/// Devices of one family. Unless said otherwise, what a profile leaves out the family lacks.
struct NicProfile {
  std::string_view name;                    // of the family, as operators know it
  std::array<std::string_view, 3> drivers;  // DPDK's names, as a device reports its own

  // Actions
  bool to_queue = false;
  bool to_mark = false;
  bool counts = false;    // a rule can say how many frames it had
  bool isolates = false;  // rte_flow_isolate: nothing enters but by rules

  uint8_t group = 0;          // where rules are to stand
  uint16_t most_queues = 16;  // receive queues, the shared one included, that steering may use
  bool equal_queues = false;  // as many transmit queues as receive queues, or rules fail
  uint32_t most_rules = 0;    // that its tables are known to hold
  bool spreads_rest = false;  // what no rule has comes by any queue, unless a last rule says otherwise

  // Fields
  Compares mac = Compares::nothing;
  Compares ethertype = Compares::nothing;
  Compares vid = Compares::nothing;
  Compares pcp = Compares::nothing;
  Compares ipv4 = Compares::nothing;
  Compares ipv6 = Compares::nothing;
  Compares ip_proto = Compares::nothing;
  Compares dscp = Compares::nothing;
  Compares l4 = Compares::nothing;

  // Stacks
  bool takes_ethernet_alone = false;  // a pattern may end behind eth (or vlan)
  bool network_behind_vlan = false;   // though never behind vlan
  bool takes_network_alone = true;    // a pattern may end behind ipv4 or ipv6
  bool takes_sctp = false;
  bool vlan_before_network = false;  // vlan may be asked for together with ipv4 or ipv6
  bool mac_before_network = false;   // addresses of eth likewise
  bool sees_through_tags = false;    // eth / ipv4 has tagged frames too; false: untagged ones only
  bool asks_for_untagged = false;    // eth has_vlan is 0

  // What rules must have in common
  bool per_packet_type =
      false;                   // ipv4 alone has no TCP, UDP, SCTP, vlan alone no IP: each needs its own rule
  bool one_input_set = false;  // all rules for a packet type ask for the same fields
  bool one_mask = false;       // all rules of the port do, with the same masks
  bool one_type_per_priority = false;  // rules of one priority are for frames of one ethertype
  bool whole_five_tuple = false;       // a rule asks for both addresses, protocol and both L4 ports
};

/// All known families; the last one is "nothing", which takes no rule.
[[nodiscard]] std::span<const NicProfile> nic_profiles();

/// The profile for a driver by its DPDK name ("mlx5_pci"); that of "nothing" where none is known.
[[nodiscard]] const NicProfile& profile_of_driver(std::string_view driver);

}  // namespace bulkhead
