// SPDX-License-Identifier: Apache-2.0
#include "control/match_text.hpp"

#include "tests/control/config_text.hpp"

namespace bulkhead {

TEST_CASE("a match is told in the configuration's words") {
  struct Row {
    const char* fields;
    const char* text;
  };
  for (const Row& row : {
           Row{"", "all frames"},
           {"vlan = \"any\"", "all frames"},
           {"vlan = \"untagged\"", "vlan untagged"},
           {"vlan = \"100-199\"\npcp = [0, 1, 2, 5, 7]", "vlan 100-199, pcp 0-2,5,7"},
           {"pcp = \"0-7\"", "pcp 0-7"},
           {"eth_src = \"02:00:00:00:00:01\"\neth_dst = \"01:00:00:00:00:00/01:00:00:00:00:00\"",
            "eth_src 02:00:00:00:00:01, eth_dst 01:00:00:00:00:00/01:00:00:00:00:00"},
           {"ethertype = 0x88CC", "ethertype lldp"},
           {"ethertype = 0x88b5", "ethertype 0x88b5"},
           {"ip_src = \"10.1.0.0/16\"\nip_dst = \"10.2.0.1\"", "ip_src 10.1.0.0/16, ip_dst 10.2.0.1/32"},
           {"ip_dst = \"2001:DB8::/32\"", "ip_dst 2001:db8::/32"},
           {"ip_proto = 17\ndscp = 46\nl4_src = \"1024-65535\"\nl4_dst = 53",
            "ip_proto udp, dscp 46, l4_src 1024-65535, l4_dst 53"},
           {"ip_proto = 253", "ip_proto 253"},
       }) {
    INFO(row.fields);
    const Config config = accepted(kOneSlice + row.fields + "\n");
    CHECK(match_text(config.slices.at(0).flowspaces.at(0).matches.at(0)) == row.text);
  }
}

}  // namespace bulkhead
