// SPDX-License-Identifier: Apache-2.0
#include "tests/support/kernel_link.hpp"

#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <utility>

namespace bulkhead::test {
namespace {

void must(bool done, const std::string& what) {
  if (done) return;
  std::perror(("tests: " + what).c_str());
  std::abort();
}

}  // namespace

void enter_private_network() {
  static const bool kEntered = unshare(CLONE_NEWNET) == 0;
  must(kEntered, "a network namespace of the test's own, which needs root");
}

void shell(const std::string& command) { must(std::system(command.c_str()) == 0, command); }

VethPair::VethPair(std::string near, const std::string& far) : near_(std::move(near)) {
  enter_private_network();
  shell("ip link add " + near_ + " type veth peer name " + far);
  for (const std::string& end : {near_, far}) shell("ip link set " + end + " up");
}

VethPair::~VethPair() { (void)!std::system(("ip link delete " + near_ + " 2>/dev/null").c_str()); }

KernelLink::KernelLink(const std::string& interface)
    : socket_(socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_ALL))) {
  must(socket_ >= 0, "a raw socket");
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_protocol = htons(ETH_P_ALL);
  address.sll_ifindex = static_cast<int>(if_nametoindex(interface.c_str()));
  must(bind(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0,
       "a raw socket on " + interface);
  const timeval patience{.tv_sec = 10, .tv_usec = 0};
  must(setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) == 0, "SO_RCVTIMEO");
  const int yes = 1;
  must(setsockopt(socket_, SOL_PACKET, PACKET_IGNORE_OUTGOING, &yes, sizeof yes) == 0,
       "PACKET_IGNORE_OUTGOING");
}

KernelLink::~KernelLink() { close(socket_); }

void KernelLink::send(const Frame& frame) const {
  must(::send(socket_, frame.data(), frame.size(), 0) == static_cast<ssize_t>(frame.size()), "send");
}

Frame KernelLink::receive_from(MacAddress from) const {
  for (;;) {
    Frame frame(1 << 16);
    const ssize_t size = recv(socket_, frame.data(), frame.size(), 0);
    if (size < 0) return {};
    frame.resize(static_cast<size_t>(size));
    if (frame.size() >= kEthernetHeaderSize && MacAddress::load(&frame[6]) == from) return frame;
  }
}

}  // namespace bulkhead::test
