// SPDX-License-Identifier: Apache-2.0
#include "nic/nic_profile.hpp"

#include <catch2/catch.hpp>
#include <set>
#include <string>

using namespace bulkhead;

namespace {

bool takes_a_field(const NicProfile& nic) {
  for (const Compares field :
       {nic.mac, nic.ethertype, nic.vid, nic.pcp, nic.ipv4, nic.ipv6, nic.ip_proto, nic.dscp, nic.l4})
    if (field != Compares::nothing) return true;
  return false;
}

}  // namespace

TEST_CASE("every name and every driver is there once", "[nic_profile]") {
  std::set<std::string_view> names;
  std::set<std::string_view> drivers;
  for (const NicProfile& nic : nic_profiles()) {
    CHECK(names.insert(nic.name).second);
    for (const std::string_view driver : nic.drivers)
      if (!driver.empty()) CHECK(drivers.insert(driver).second);
  }
}

TEST_CASE("a driver has its family's profile", "[nic_profile]") {
  for (const NicProfile& nic : nic_profiles())
    for (const std::string_view driver : nic.drivers)
      if (!driver.empty()) CHECK(&profile_of_driver(driver) == &nic);
  CHECK(profile_of_driver("mlx5_pci").name == "mlx5");
  CHECK(profile_of_driver("mlx5_auxiliary").name == "mlx5");
  CHECK(profile_of_driver("net_cn9k").name == "cnxk");
  CHECK(profile_of_driver("net_sfc_efx").name == "sfc");
  CHECK(profile_of_driver("net_e1000_igb").name == "igb");
}

TEST_CASE("unknown drivers, and those without rte_flow, take nothing", "[nic_profile]") {
  const NicProfile& nothing = nic_profiles().back();
  REQUIRE(nothing.name == "nothing");
  for (const std::string_view driver :
       {"", "net_virtio", "net_vmxnet3", "net_e1000_em", "net_af_packet", "net_af_xdp", "net_pcap",
        "net_ring", "net_null", "net_memif", "net_vhost", "net_ixgbe_vf", "net_hns3_vf", "net_tapestry"}) {
    INFO(driver);
    CHECK(&profile_of_driver(driver) == &nothing);
  }
  CHECK_FALSE(nothing.to_queue);
  CHECK_FALSE(nothing.to_mark);
  CHECK_FALSE(nothing.isolates);
  CHECK_FALSE(takes_a_field(nothing));
  CHECK(nothing.most_rules == 0);
}

TEST_CASE("a family that steers or marks has rules and fields for it, any other none", "[nic_profile]") {
  for (const NicProfile& nic : nic_profiles()) {
    INFO(nic.name);
    const bool acts = nic.to_queue || nic.to_mark;
    CHECK((nic.most_rules > 0) == acts);
    CHECK(takes_a_field(nic) == acts);
    if (nic.to_queue) CHECK(nic.most_queues >= 2);
    if (nic.isolates || nic.counts) CHECK(acts);
  }
}

TEST_CASE("no family contradicts itself", "[nic_profile]") {
  for (const NicProfile& nic : nic_profiles()) {
    INFO(nic.name);
    for (const Compares address : {nic.ipv4, nic.ipv6}) CHECK(address != Compares::bits);
    for (const Compares number : {nic.mac, nic.ethertype, nic.vid, nic.pcp, nic.ip_proto, nic.dscp, nic.l4})
      CHECK(number != Compares::prefix);
    // Fields of the tag or addresses of eth before a network need these fields at all.
    if (nic.vlan_before_network) CHECK(nic.vid != Compares::nothing);
    if (nic.mac_before_network) CHECK(nic.mac != Compares::nothing);
    if (nic.whole_five_tuple) CHECK((nic.ipv4 == Compares::whole && nic.l4 == Compares::whole));
  }
}
