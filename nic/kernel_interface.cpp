// SPDX-License-Identifier: Apache-2.0
#include "nic/kernel_interface.hpp"

#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <string_view>

#include "nic/port.hpp"

namespace bulkhead {
namespace {

/// What the kernel says to a request such as SIOCGIFMTU; nothing where there is no such interface, or it has
/// gone.
std::optional<ifreq> ask_kernel(unsigned interface, unsigned long what) {
  ifreq request{};
  if (interface == 0 || if_indextoname(interface, request.ifr_name) == nullptr) return std::nullopt;
  const int any = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  const bool known = any >= 0 && ioctl(any, what, &request) == 0;
  if (any >= 0) close(any);
  return known ? std::optional(request) : std::nullopt;
}

}  // namespace

bool interface_exists(unsigned interface) {
  char name[IF_NAMESIZE];
  return interface != 0 && if_indextoname(interface, name) != nullptr;
}

bool interface_is_up(unsigned interface) {
  constexpr int kUp = IFF_UP | IFF_RUNNING;
  const auto answer = ask_kernel(interface, SIOCGIFFLAGS);
  return answer && (answer->ifr_flags & kUp) == kUp;
}

std::optional<uint16_t> interface_mtu(unsigned interface) {
  const auto answer = ask_kernel(interface, SIOCGIFMTU);
  if (!answer) return std::nullopt;
  // Loopback's is more than DPDK's type holds.
  return static_cast<uint16_t>(std::min<int>(answer->ifr_mtu, UINT16_MAX));
}

std::optional<std::string> interface_of(const std::string& device) {
  constexpr std::string_view kKey = ",iface=";
  const bool on_interface = has_driver(device, "af_packet") || has_driver(device, "af_xdp");
  const auto at = device.find(kKey);
  if (!on_interface || at == std::string::npos) return std::nullopt;
  const std::string rest = device.substr(at + kKey.size());
  return rest.substr(0, rest.find(','));
}

}  // namespace bulkhead
