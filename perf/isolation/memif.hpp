// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "nic/packet_pool.hpp"
#include "perf/isolation/far_end.hpp"

namespace bulkhead::perf {

/// The other end of somebody's memif device number n at the socket SOCKET-n, connected within ten seconds, or
/// the process ends. `queues`: that they send to. The pool must outlive it.
[[nodiscard]] std::unique_ptr<FarEnd> connected(std::size_t number, const std::string& socket,
                                                PacketPool& pool, uint16_t queues);

}  // namespace bulkhead::perf
