// SPDX-License-Identifier: Apache-2.0
#include "perf/isolation/sched_end.hpp"

#include <rte_sched.h>

#include <algorithm>

#include "perf/isolation/bench.hpp"

namespace bulkhead::perf {
namespace {

constexpr uint32_t kQueue = 1024;  // packets of a class, as the appliance's longest
constexpr uint32_t kPeriodMs = 10;
constexpr uint32_t kBucket = 64 << 10;
constexpr uint32_t kClass = 0;
constexpr uint32_t kTogether = 32;

rte_sched_pipe_params pipe_of(uint64_t rate) {
  rte_sched_pipe_params pipe{};
  pipe.tb_rate = rate;
  pipe.tb_size = kBucket;
  pipe.tc_period = kPeriodMs;
  pipe.tc_ov_weight = 1;
  std::ranges::fill(pipe.tc_rate, rate);
  std::ranges::fill(pipe.wrr_weights, uint8_t{1});
  return pipe;
}

rte_sched_subport_profile_params profile_of(uint64_t rate) {
  rte_sched_subport_profile_params profile{};
  profile.tb_rate = rate;
  profile.tb_size = kBucket;
  profile.tc_period = kPeriodMs;
  std::ranges::fill(profile.tc_rate, rate);
  return profile;
}

}  // namespace

Sched::Sched(uint32_t pipes, uint64_t port_rate, uint64_t pipe_rate) : pipes_(pipes) {
  rte_sched_subport_profile_params profile = profile_of(port_rate / 8);
  rte_sched_port_params port{};
  port.name = "sched";
  port.rate = port_rate / 8;
  port.mtu = 1522;
  port.frame_overhead = static_cast<uint32_t>(kWireOverhead.count());
  port.n_subports_per_port = 1;
  port.subport_profiles = &profile;
  port.n_subport_profiles = 1;
  port.n_max_subport_profiles = 1;
  port.n_pipes_per_subport = pipes;
  port_ = rte_sched_port_config(&port);
  rte_sched_pipe_params pipe = pipe_of(pipe_rate / 8);
  rte_sched_subport_params subport{};
  subport.n_pipes_per_subport_enabled = pipes;
  std::ranges::fill(subport.qsize, kQueue);
  subport.pipe_profiles = &pipe;
  subport.n_pipe_profiles = 1;
  subport.n_max_pipe_profiles = 1;
  bool made = port_ != nullptr && rte_sched_subport_config(port_, 0, &subport, 0) == 0;
  for (uint32_t number = 0; made && number < pipes; ++number)
    made = rte_sched_pipe_config(port_, 0, number, 0) == 0;
  if (!made) give_up("rte_sched cannot be configured; raise its memory");
}

Sched::~Sched() { rte_sched_port_free(port_); }

void Sched::enqueue(Packet packet) {
  rte_mbuf* mbuf = packet.mbuf();
  const uint32_t vlan = load_be16(packet.data() + 14) & 0xfff;
  rte_sched_port_pkt_write(port_, mbuf, 0, (vlan - 1) % pipes_, kClass, 0, RTE_COLOR_GREEN);
  rte_sched_port_enqueue(port_, &mbuf, 1);
}

void Sched::dequeue(Burst& burst) {
  auto** const mbufs = reinterpret_cast<rte_mbuf**>(burst.raw() + burst.size());
  const int got = rte_sched_port_dequeue(port_, mbufs, std::min(kTogether, burst.room()));
  burst.resize(burst.size() + static_cast<uint32_t>(std::max(got, 0)));
}

}  // namespace bulkhead::perf
