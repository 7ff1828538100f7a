// SPDX-License-Identifier: Apache-2.0
#include "tests/control/config_text.hpp"

namespace bulkhead {
namespace {

const Refusal kRefusals[] = {
    {"number as text",
     R"([appliance]
workers = "2")",
     "lab.toml:9:11: workers is a string; write a whole number of 1 to 256"},
    {"workers out of range",
     R"([appliance]
workers = 0)",
     "lab.toml:9:11: workers 0 is out of range; write a whole number of 1 to 256"},
    {"fraction of a worker",
     R"([appliance]
workers = 1.5)",
     "lab.toml:9:11: workers is a number with a fraction; write a whole number of 1 to 256"},
    {"memory without unit",
     R"([appliance]
memory = 512)",
     "lab.toml:9:10: memory is a number without unit or quotes; write a string: memory = \"512MiB\""},
    {"memory as text without unit",
     R"([appliance]
memory = "512")",
     "lab.toml:9:10: memory \"512\" has no unit; write one of B, KiB, MiB, GiB behind the number, for "
     "example \"64KiB\""},
    {"memory with a rate's unit",
     R"([appliance]
memory = "512Mbps")",
     "lab.toml:9:10: memory \"512Mbps\" has an unknown unit; write one of B, KiB, MiB, GiB behind the "
     "number, for example \"64KiB\""},
    {"memory too small",
     R"([appliance]
memory = "1MiB")",
     "lab.toml:9:1: memory 1MiB is too little; write at least 16MiB"},
    {"memory beyond 64 bits",
     R"([appliance]
memory = "99999999999999999999GiB")",
     "lab.toml:9:10: memory \"99999999999999999999GiB\" is too large; write at most 1024GiB"},
    {"fewer cores than workers",
     R"([appliance]
workers = 3
cores = "1-2")",
     "lab.toml:10:1: cores names 2 cores for 3 workers; name one core for each worker, or leave workers out"},
    {"core twice",
     R"([appliance]
cores = "1-3,2")",
     "lab.toml:9:9: cores \"1-3,2\" names 2 twice; name each once"},
    {"cores backwards",
     R"([appliance]
cores = "3-1")",
     "lab.toml:9:9: cores \"3-1\" is a range that ends before it begins; write 1-3"},
    {"idle unknown",
     R"([appliance]
idle = "sleep")",
     "lab.toml:9:8: idle \"sleep\" is not known; write nap or poll"},
    {"eal as text",
     R"([appliance]
eal = "--no-pci")",
     "lab.toml:9:7: eal is a string; write a list: eal = [\"--no-pci\"]"},
    {"eal with a number",
     R"([appliance]
eal = ["--no-pci", 3])",
     "lab.toml:9:20: eal holds a whole number; write one DPDK argument in each string"},
    {"endpoint open to all",
     R"([stats]
listen = "0.0.0.0:9180")",
     "lab.toml:9:1: listen \"0.0.0.0:9180\" can be reached from other machines without a token; name a "
     "token_file, or listen on a loopback address or a unix socket"},
    {"endpoint without port",
     R"([stats]
listen = "127.0.0.1")",
     "lab.toml:9:10: listen \"127.0.0.1\" has no port; write \"127.0.0.1:9180\", \"[::1]:9180\" or "
     "\"unix:/run/bulkhead/stats.sock\""},
    {"endpoint with too large a port",
     R"([stats]
listen = "127.0.0.1:99999")",
     "lab.toml:9:10: listen \"127.0.0.1:99999\" has a port that is not one of 0-65535; write "
     "\"127.0.0.1:9180\", \"[::1]:9180\" or \"unix:/run/bulkhead/stats.sock\""},
    {"port in hexadecimal",
     R"([stats]
listen = "127.0.0.1:0x50")",
     "lab.toml:9:10: listen \"127.0.0.1:0x50\" has a port that is not one of 0-65535; write "
     "\"127.0.0.1:9180\", \"[::1]:9180\" or \"unix:/run/bulkhead/stats.sock\""},
    {"directory instead of a socket",
     R"([stats]
listen = "unix:/tmp/x/")",
     "lab.toml:9:10: listen \"unix:/tmp/x/\" names a directory, not a socket; write \"127.0.0.1:9180\", "
     "\"[::1]:9180\" or \"unix:/run/bulkhead/stats.sock\""},
    {"endpoint without address",
     R"([stats]
listen = ":9180")",
     "lab.toml:9:10: listen \":9180\" names no address of this machine; write \"127.0.0.1:9180\", "
     "\"[::1]:9180\" or \"unix:/run/bulkhead/stats.sock\""},
    {"endpoint at a relative path",
     R"([stats]
listen = "unix:stats.sock")",
     "lab.toml:9:10: listen \"unix:stats.sock\" is not an absolute path; write \"127.0.0.1:9180\", "
     "\"[::1]:9180\" or \"unix:/run/bulkhead/stats.sock\""},
    {"port without name and device", R"([[port]])",
     "lab.toml:8:1: [[port]] has no device; write device = \"0000:3b:00.0\" or device = "
     "\"net_af_packet0,iface=veth1\"\n"
     "lab.toml:8:1: [[port]] has no name; write name = \"uplink\""},
    {"port with a bad name",
     R"([[port]]
name = "Up link"
device = "net_null2")",
     "lab.toml:9:8: name \"Up link\" is not a name; write 1 to 32 of a-z, 0-9, _ and -"},
    {"port's name too long",
     R"([[port]]
name = "a23456789012345678901234567890123"
device = "net_null2")",
     "lab.toml:9:8: name \"a23456789012345678901234567890123\" is not a name; write 1 to 32 of a-z, 0-9, _ "
     "and -"},
    {"port's name twice",
     R"([[port]]
name = "uplink"
device = "net_null2")",
     "lab.toml:8:1: the port's name is the same as at line 1; give each its own"},
    {"device twice",
     R"([[port]]
name = "lab"
device = "net_null1,copy=1")",
     "lab.toml:8:1: the port's device is the same as at line 5; give each its own"},
    {"interface twice",
     R"([[port]]
name = "a"
device = "net_af_packet0,iface=v1"
[[port]]
name = "b"
device = "net_af_packet1,iface=v1")",
     "lab.toml:11:1: the port's device has interface v1, which is the same as at line 8; give each its own"},
    {"PCI address twice, written in two ways",
     R"([[port]]
name = "a"
device = "0000:3b:00.0"
[[port]]
name = "b"
device = "3B:00.0")",
     "lab.toml:11:1: the port's device is the same as at line 8; give each its own"},
    {"device with a space",
     R"([[port]]
name = "lab"
device = "net null")",
     "lab.toml:10:10: device \"net null\" is not a device; write a PCI address such as 0000:3b:00.0 or a "
     "DPDK virtual device such as net_af_packet0,iface=veth1"},
    {"speed of zero",
     R"([[port]]
name = "lab"
device = "net_null2"
speed = "0bps")",
     "lab.toml:11:1: speed is zero; write the line rate, or leave it out to take what the device reports"},
    {"flow rules unknown",
     R"([[port]]
name = "lab"
device = "net_null2"
flow_rules = "on")",
     "lab.toml:11:14: flow_rules \"on\" is not known; write auto, hardware or software"},
};

}  // namespace

TEST_CASE("faulty appliances, endpoints and ports are refused") { check_refusals(kTwoPorts, kRefusals); }

TEST_CASE("cores alone say how many workers there are") {
  const Config config = accepted(std::string(kTwoPorts) + "[appliance]\ncores = \"0, 4-6\"\n");
  CHECK(config.appliance.cores == std::vector<uint32_t>{0, 4, 5, 6});
  CHECK(config.appliance.workers == 4u);
}

TEST_CASE("an endpoint that only this machine reaches needs no token, any other does") {
  for (const std::string listen :
       {"127.0.0.1:9180", "127.8.9.10:0", "localhost:9180", "[::1]:9180", "[0::1]:9180",
        "[0:0:0:0:0:0:0:1]:9180", "unix:/run/bulkhead/stats.sock"}) {
    INFO(listen);
    const std::string text = std::string(kTwoPorts) + "[stats]\nlisten = \"" + listen + "\"\n";
    CHECK(accepted(text).stats.listen == listen);
  }
  for (const std::string listen : {"0.0.0.0:9180", "192.0.2.1:9180", "[::]:9180", "[2001:db8::1]:9180"}) {
    INFO(listen);
    const std::string text = std::string(kTwoPorts) + "[stats]\nlisten = \"" + listen + "\"\n";
    CHECK_FALSE(faults_of(text).empty());
    CHECK(accepted(text + "token_file = \"token\"\n").stats.listen == listen);
  }
}

}  // namespace bulkhead
