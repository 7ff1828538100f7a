// SPDX-License-Identifier: Apache-2.0
#include "perf/isolation/memif.hpp"

#include <fmt/format.h>

#include <chrono>
#include <thread>
#include <utility>

#include "perf/isolation/bench.hpp"

namespace bulkhead::perf {

std::unique_ptr<FarEnd> connected(std::size_t number, const std::string& socket, PacketPool& pool,
                                  uint16_t queues) {
  const std::string device =
      fmt::format("net_memif{0},role=client,id={0},socket={1}-{0},rsize=12", number, socket);
  // The peer steers into its queues, not a rule.
  static constexpr NicProfile kSteered{
      .name = "memif", .drivers = {}, .to_queue = true, .most_queues = UINT16_MAX};
  auto port = Port::open({.name = fmt::format("p{}", number),
                          .device = device,
                          .own_queues = static_cast<uint16_t>(queues - 1),
                          .own_descriptors = 1024,
                          .profile = &kSteered},
                         pool);
  if (!port) give_up(port.error().message());
  auto end = std::make_unique<PortEnd>(std::move(*port), queues);
  using Clock = std::chrono::steady_clock;
  const auto latest = Clock::now() + std::chrono::seconds(10);
  while (!end->port().link().up) {
    if (Clock::now() > latest) give_up("memif " + device + " is not answered; see the peer's log");
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return end;
}

}  // namespace bulkhead::perf
