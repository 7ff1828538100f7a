// SPDX-License-Identifier: Apache-2.0
#include "nic/nic_profile.hpp"

#include <algorithm>

namespace bulkhead {
namespace {

using enum Compares;

// Learned from the sources of DPDK 22.11; files are below drivers/ there. Three rules made the table:
//  - Drivers that compare only whole octets of TOS and traffic class have no dscp here: a code point is
//    six of the eight bits, and several of them drop a mask they do not like without a word, so that the
//    rule takes more than it was asked for. The same holds for other fields whose masks are "dropped".
//  - What cannot be seen in the sources is the more restrictive value, "unconfirmed".
//  - Where nothing says that tagged frames stay out, they are taken to come in (sees_through_tags).
// Longer than other files because it is one table.
constexpr auto kProfiles = std::to_array<NicProfile>({
    // net/mlx5/mlx5_flow.c, mlx5_flow_dv.c (flow_dv_validate_item_*), the default engine (dv_flow_en=1).
    // Masks of the tag are refused in virtual functions. There is no SCTP item. A rule in group 1 sees
    // nothing before one in group 0 jumps there. most_rules is unconfirmed: tables grow in the firmware's
    // memory.
    {.name = "mlx5",
     .drivers = {"mlx5_pci", "mlx5_auxiliary"},
     .to_queue = true,
     .to_mark = true,
     .counts = true,
     .isolates = true,
     .group = 1,
     .most_queues = 1024,
     .most_rules = 65536,
     .mac = bits,
     .ethertype = bits,
     .vid = bits,
     .pcp = bits,
     .ipv4 = prefix,
     .ipv6 = prefix,
     .ip_proto = bits,
     .dscp = bits,
     .l4 = bits,
     .takes_ethernet_alone = true,
     .vlan_before_network = true,
     .mac_before_network = true,
     .sees_through_tags = true,
     .asks_for_untagged = true},

    // net/ice/ice_fdir_filter.c (no tag; masks of addresses and ports refused, others dropped), then
    // ice_switch_filter.c (eth / vlan, without an inner type). Only the first of the two marks and counts,
    // so counts is false. ice_fdir_cross_prof_conflict: rules for ipv4 alone and for its transports exclude
    // each other. ethertype may not be IPv4 or IPv6. most_rules is what a port is commonly guaranteed,
    // unconfirmed.
    {.name = "ice",
     .drivers = {"net_ice"},
     .to_queue = true,
     .to_mark = true,
     .most_queues = 256,
     .most_rules = 512,
     .mac = whole,
     .ethertype = whole,
     .vid = whole,
     .pcp = whole,
     .ipv4 = whole,
     .ipv6 = whole,
     .ip_proto = whole,
     .l4 = whole,
     .takes_ethernet_alone = true,
     .takes_sctp = true,
     .mac_before_network = true,
     .sees_through_tags = true,
     .one_input_set = true},

    // net/i40e/i40e_flow.c (i40e_flow_parse_fdir_pattern), i40e_fdir.c. Masks of IP and ports are dropped.
    // Of the tag one of VID, PCP or all may be asked for: no pcp here, as the mask for VID with PCP is
    // neither taken nor refused. Addresses of eth exclude fields of IP. ethertype may not be IPv4 or IPv6,
    // and addresses alone need one. most_rules is unconfirmed: the device tells at its start.
    {.name = "i40e",
     .drivers = {"net_i40e"},
     .to_queue = true,
     .to_mark = true,
     .most_queues = 64,
     .most_rules = 512,
     .mac = whole,
     .ethertype = whole,
     .vid = whole,
     .ipv4 = whole,
     .ipv6 = whole,
     .ip_proto = whole,
     .l4 = whole,
     .takes_ethernet_alone = true,
     .takes_sctp = true,
     .vlan_before_network = true,
     .sees_through_tags = true,
     .per_packet_type = true,
     .one_input_set = true},

    // net/ixgbe/ixgbe_flow.c (ixgbe_parse_fdir_filter_normal), ixgbe_fdir.c. IPv6 only by signature,
    // addresses of eth only with X550's tag mode: neither here. Its marks are 16 bits in another field of
    // the packet (ixgbe_rxtx.c: hash.fdir.id), so it has none. ethertype may not be IPv4 or IPv6. SCTP
    // ports only on some. Its mask registers have all bits of addresses and ports; prefixes are unconfirmed
    // on hardware.
    {.name = "ixgbe",
     .drivers = {"net_ixgbe"},
     .to_queue = true,
     .most_queues = 128,
     .most_rules = 2047,
     .ethertype = whole,
     .vid = whole,
     .pcp = whole,
     .ipv4 = whole,
     .l4 = whole,
     .takes_ethernet_alone = true,
     .sees_through_tags = true,
     .one_mask = true},

    // net/iavf/iavf_fdir.c. Masks of addresses and ports are refused, others dropped; of two addresses of
    // eth the source is dropped, so mac is not here. No tag. Counters, whether a rule for ipv4 alone has
    // transports, and most_rules (the host's to say) are unconfirmed. 16 queues unless the host grants
    // more.
    {.name = "iavf",
     .drivers = {"net_iavf"},
     .to_queue = true,
     .to_mark = true,
     .most_queues = 16,
     .most_rules = 128,
     .ethertype = whole,
     .ipv4 = whole,
     .ipv6 = whole,
     .ip_proto = whole,
     .l4 = whole,
     .takes_ethernet_alone = true,
     .takes_sctp = true,
     .sees_through_tags = true,
     .per_packet_type = true,
     .one_input_set = true},

    // net/e1000/igb_flow.c (cons_parse_ntuple_filter, cons_parse_ethertype_filter), e1000_ethdev.h.
    // Five-tuples are the 82576's; later ones refuse them, as they compare protocol and destination port
    // alone. The protocol is read from the ipv4 item only: a udp item without it takes TCP too.
    {.name = "igb",
     .drivers = {"net_e1000_igb"},
     .to_queue = true,
     .most_queues = 8,
     .most_rules = 8,
     .ethertype = whole,
     .ipv4 = whole,
     .ip_proto = whole,
     .l4 = whole,
     .takes_ethernet_alone = true,
     .takes_network_alone = false,
     .sees_through_tags = true,
     .whole_five_tuple = true},

    // net/enic/enic_flow.c (enic_copy_item_*_v2), enic_fm_flow.c. Needs advanced filters (guide, "Flow
    // director support"). Tags are off before it compares, so ethertypes see through them too. Marks are
    // below 65534, and none with the vector receive function. Only the flow manager counts. Queues and
    // most_rules unconfirmed: the guide says to try how many, "not more than 1000".
    {.name = "enic",
     .drivers = {"net_enic"},
     .to_queue = true,
     .to_mark = true,
     .most_queues = 16,
     .most_rules = 64,
     .mac = bits,
     .ethertype = bits,
     .vid = bits,
     .pcp = bits,
     .ipv4 = prefix,
     .ipv6 = prefix,
     .ip_proto = bits,
     .dscp = bits,
     .l4 = bits,
     .takes_ethernet_alone = true,
     .takes_sctp = true,
     .vlan_before_network = true,
     .mac_before_network = true,
     .sees_through_tags = true},

    // net/sfc/sfc_flow.c (sfc_flow_parse_*). Whole fields or none; a vlan item asks for the VID. The
    // firmware lists which fields go together (sfc_flow_is_match_supported): tags or addresses of eth with
    // IP are unconfirmed, as are queues and most_rules. Marks only with the ef10_essb datapath.
    {.name = "sfc",
     .drivers = {"net_sfc_efx"},
     .to_queue = true,
     .isolates = true,
     .most_queues = 16,
     .most_rules = 64,
     .mac = whole,
     .ethertype = whole,
     .vid = whole,
     .ipv4 = whole,
     .ipv6 = whole,
     .ip_proto = whole,
     .l4 = whole,
     .takes_ethernet_alone = true,
     .sees_through_tags = true},

    // common/cnxk/roc_npc.c, roc_npc_parse.c, net/cnxk/cnxk_flow.c. Any mask within what the firmware's key
    // extracts, else refused (npc_parse_item_basic). Its isolate function only refuses; has_vlan 0 is
    // dropped. Marks are below 65534. Queues and most_rules unconfirmed: ports share one table.
    {.name = "cnxk",
     .drivers = {"net_cn10k", "net_cn9k"},
     .to_queue = true,
     .to_mark = true,
     .counts = true,
     .most_queues = 16,
     .most_rules = 256,
     .mac = bits,
     .ethertype = bits,
     .vid = bits,
     .pcp = bits,
     .ipv4 = prefix,
     .ipv6 = prefix,
     .ip_proto = bits,
     .dscp = bits,
     .l4 = bits,
     .takes_ethernet_alone = true,
     .takes_sctp = true,
     .vlan_before_network = true,
     .mac_before_network = true,
     .sees_through_tags = true},

    // net/hns3/hns3_flow.c (hns3_parse_*), hns3_fdir.c. Of IPv6 addresses it compares the last 32 bits
    // alone, and the type behind a tag is dropped: neither is here, nor dscp, which IPv6 lacks. The number
    // of tags is part of its key, so untagged stays untagged. Marks are below 4095. Virtual functions
    // (net_hns3_vf) take none. Counters are numbered by the caller, two rules may not share one: not here.
    // most_rules unconfirmed.
    {.name = "hns3",
     .drivers = {"net_hns3"},
     .to_queue = true,
     .to_mark = true,
     .most_queues = 64,
     .most_rules = 256,
     .mac = bits,
     .vid = bits,
     .pcp = bits,
     .ipv4 = prefix,
     .ip_proto = bits,
     .l4 = bits,
     .takes_ethernet_alone = true,
     .takes_sctp = true,
     .vlan_before_network = true,
     .mac_before_network = true},

    // net/bnxt/tf_ulp/ulp_rte_handler_tbl.c: no QUEUE, and without it no mark that still comes by queue 0.
    {.name = "bnxt", .drivers = {"net_bnxt"}},

    // net/nfp/nfp_flow.c: rules for its switch alone, neither QUEUE nor MARK.
    {.name = "nfp", .drivers = {"net_nfp_pf"}},

    // net/tap/tap_flow.c: rules of the kernel's flower classifier. More than four queue pairs crash. Of a VID
    // it keeps four bits, and where these are 0 it asks for none: steering sees what comes of that, packet by
    // packet. Without ipv4 or ipv6 behind it, the vlan item asks for a type that no frame has. The PCP's mask
    // is dropped. Rules of equal priority need the same type of frame. flower is asked for every protocol
    // (ETH_P_ALL) and looks behind the tag. The kernel spreads what no rule has over all queues. most_rules
    // is unconfirmed.
    {.name = "tap",
     .drivers = {"net_tap"},
     .to_queue = true,
     .isolates = true,
     .most_queues = 4,
     .equal_queues = true,
     .most_rules = 256,
     .spreads_rest = true,
     .mac = bits,
     .ethertype = whole,
     .vid = whole,
     .ipv4 = prefix,
     .ipv6 = prefix,
     .ip_proto = whole,
     .l4 = whole,
     .takes_ethernet_alone = true,
     .network_behind_vlan = true,
     .vlan_before_network = true,
     .mac_before_network = true,
     .sees_through_tags = true,
     .one_type_per_priority = true},

    // Drivers without rte_flow (virtio, vmxnet3, e1000, af_packet, af_xdp, pcap, ring, null, memif, vhost,
    // virtual functions of ixgbe and hns3), and all that nobody has read.
    {.name = "nothing", .drivers = {}, .most_queues = 1, .takes_network_alone = false},
});

}  // namespace

std::span<const NicProfile> nic_profiles() { return kProfiles; }

const NicProfile& profile_of_driver(std::string_view driver) {
  // Unused places of `drivers` are empty, and no device is called so.
  if (driver.empty()) return kProfiles.back();
  const auto* found = std::ranges::find_if(kProfiles, [&](const NicProfile& profile) {
    return std::ranges::find(profile.drivers, driver) != profile.drivers.end();
  });
  return found == kProfiles.end() ? kProfiles.back() : *found;
}

}  // namespace bulkhead
