// SPDX-License-Identifier: Apache-2.0
#include "control/device_identity.hpp"

#include <catch2/catch.hpp>

namespace bulkhead {
namespace {

using Identities = std::vector<std::string>;

TEST_CASE("a PCI address is written in one way, anything else stays as it is", "[device_identity]") {
  for (const char* address : {"0000:3b:00.0", "3b:00.0", "3B:00.0", "0:3b:00.0", "0000:3B:00.0"})
    CHECK(normal_device(address) == "0000:3b:00.0");
  CHECK(normal_device("1:3B:1f.7,Key=Value") == "0001:3b:1f.7,Key=Value");
  for (const char* device : {"", ":", "3b:00.8", "12345:3b:00.0", "g:3b:00.0", "net_null0", "3b:00",
                             "03b:00.0", "net_pcap0,rx_pcap=/tmp/3B:00.0", ",3b:00.0", "net_3b:00.0"})
    CHECK(normal_device(device) == device);
}

TEST_CASE("a PCI device has a PCI address for a name", "[device_identity]") {
  for (const char* device : {"0000:3b:00.0", "3b:00.0,mac=02:00:00:00:00:01", "10000:e1:00.0"})
    CHECK(is_pci(device));
  for (const char* device : {"net_null0", "net_tap0,mac=02:00:00:00:00:01", "eth_tap0,mac=02:00:00:00:00:01",
                             "eth_pcap0,rx_pcap=a:b.pcap", "crypto0,x=1:2", ""})
    CHECK_FALSE(is_pci(device));
}

TEST_CASE("a device takes its name, and the interface behind it", "[device_identity]") {
  CHECK(device_identities("0000:3b:00.0,arg=1") == Identities{"0000:3b:00.0"});
  CHECK(device_identities("net_af_packet0,iface=v1,framesz=4096") ==
        Identities{"net_af_packet0", "interface v1"});
  CHECK(device_identities("net_af_xdp1,start_queue=0,iface=v1") == Identities{"net_af_xdp1", "interface v1"});
  CHECK(device_identities("eth_af_packet0,iface=v1") == Identities{"eth_af_packet0", "interface v1"});
  CHECK(device_identities("net_tap0,iface=t0,remote=v1") ==
        Identities{"net_tap0", "interface t0", "interface v1"});
  CHECK(device_identities("net_null0,iface=v1") == Identities{"net_null0"});
  CHECK(device_identities("net_af_packet0,xiface=v1,iface=") == Identities{"net_af_packet0"});
}

TEST_CASE("devices collide where they take the same", "[device_identity]") {
  CHECK(collide("net_null0,a=1", "net_null0"));
  CHECK(collide("net_af_packet0,iface=v1", "net_tap3,remote=v1"));
  CHECK_FALSE(collide("net_af_packet0,iface=v1", "net_af_packet1,iface=v2"));
}

}  // namespace
}  // namespace bulkhead
