// SPDX-License-Identifier: Apache-2.0
// What the egress scheduler alone costs a packet, beside DPDK's rte_sched on the same packets in the same
// process. usage: scheduler_bench [EAL ARGUMENTS] [-- --quick]
// Prints one JSON object a line, ratio = ours / theirs, medians of five; --quick: few slices, once and
// briefly.
//
// Both sides do the same: take bursts of 32 packets whose slice and class were written into them before,
// queue them in queues of their own (ours are the appliance's), and give out up to 32 that are to leave.
// Packets go round: what left comes in again, in that order.
#include <fmt/format.h>
#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_mbuf.h>
#include <rte_sched.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "nic/packet.hpp"
#include "shaper/class_queue.hpp"
#include "shaper/egress_scheduler.hpp"

namespace {

using bulkhead::Bytes;
using bulkhead::ClassQueue;
using bulkhead::Cycles;
using bulkhead::Packet;
using bulkhead::PacketState;
using bulkhead::SliceId;
using bulkhead::Vlan;

constexpr uint32_t kBurst = 32;
constexpr uint32_t kDepth = 2048;  // most packets queued; as 32 go in and 32 out, far fewer are
constexpr uint32_t kPackets = 16'384;
constexpr uint32_t kClasses = 8;
constexpr uint32_t kQueue = 64;  // packets a class
constexpr uint16_t kLength = 60;
constexpr uint64_t kOverhead = 24;
constexpr uint64_t kLargestFrame = 1522 + kOverhead;
constexpr uint64_t kBytesASecond = 12'500'000'000;  // 100 Gb/s, which one core never reaches: no side waits

/// How thoroughly to measure.
struct Effort {
  int rounds = 5;
  double seconds = 0.3;
};

/// A packet scheduler under test.
class Side {
 public:
  virtual ~Side() = default;
  virtual void mark(rte_mbuf* packet, uint32_t slice, uint32_t class_number) = 0;
  /// Returns how many were queued; the others are dropped.
  virtual uint32_t enqueue(std::span<rte_mbuf*> packets) = 0;
  virtual uint32_t dequeue(std::span<rte_mbuf*> packets) = 0;
};

class Peer : public Side {
 public:
  explicit Peer(uint32_t slices) {
    pipe_.tb_rate = kBytesASecond;
    pipe_.tb_size = 100'000'000;
    pipe_.tc_period = 10;
    pipe_.tc_ov_weight = 1;
    std::ranges::fill(pipe_.tc_rate, kBytesASecond);
    std::ranges::fill(pipe_.wrr_weights, uint8_t{1});
    profile_.tb_rate = kBytesASecond;
    profile_.tb_size = 100'000'000;
    profile_.tc_period = 10;
    std::ranges::fill(profile_.tc_rate, kBytesASecond);
    subport_.n_pipes_per_subport_enabled = slices;
    std::ranges::fill(subport_.qsize, static_cast<uint16_t>(kQueue));
    subport_.pipe_profiles = &pipe_;
    subport_.n_pipe_profiles = subport_.n_max_pipe_profiles = 1;
    rte_sched_port_params port{};
    port.name = "peer";
    port.rate = kBytesASecond;
    port.mtu = 1522;
    port.frame_overhead = kOverhead;
    port.n_subports_per_port = port.n_subport_profiles = port.n_max_subport_profiles = 1;
    port.subport_profiles = &profile_;
    port.n_pipes_per_subport = slices;
    port_.reset(rte_sched_port_config(&port));
    if (!port_ || rte_sched_subport_config(port_.get(), 0, &subport_, 0) != 0) std::abort();
    for (uint32_t slice = 0; slice < slices; ++slice)
      if (rte_sched_pipe_config(port_.get(), 0, slice, 0) != 0) std::abort();
  }

  void mark(rte_mbuf* packet, uint32_t slice, uint32_t class_number) override {
    rte_sched_port_pkt_write(port_.get(), packet, 0, slice, class_number, 0, RTE_COLOR_GREEN);
  }
  uint32_t enqueue(std::span<rte_mbuf*> packets) override {
    return static_cast<uint32_t>(
        rte_sched_port_enqueue(port_.get(), packets.data(), static_cast<uint32_t>(packets.size())));
  }
  uint32_t dequeue(std::span<rte_mbuf*> packets) override {
    return static_cast<uint32_t>(
        rte_sched_port_dequeue(port_.get(), packets.data(), static_cast<uint32_t>(packets.size())));
  }

 private:
  struct Free {
    void operator()(rte_sched_port* port) const { rte_sched_port_free(port); }
  };
  rte_sched_pipe_params pipe_{};
  rte_sched_subport_profile_params profile_{};
  rte_sched_subport_params subport_{};
  std::unique_ptr<rte_sched_port, Free> port_;
};

class Ours : public Side {
 public:
  Ours(uint32_t slices, bool with_rates)
      : scheduler_({bulkhead::BitsPerSecond{kBytesASecond * 8},
                    rte_get_tsc_hz(),
                    Bytes{kLargestFrame},
                    Bytes{0},
                    static_cast<uint16_t>(slices),
                    {}}),
        queues_(slices) {
    for (Queues& queues : queues_) queues.fill(ClassQueue(bulkhead::QueueLimit::of_packets(kQueue)));
    bulkhead::SliceRates rates;
    if (with_rates) {
      // A ceiling that is counted, and never reached: waiting would flatter us.
      rates.rates.guarantee = bulkhead::BitsPerSecond{kBytesASecond * 8 / slices};
      rates.rates.ceiling = bulkhead::BitsPerSecond{kBytesASecond * 8 - 1};
      rates.rates.burst = Bytes{100'000'000};
    }
    for (uint32_t slice = 0; slice < slices; ++slice) {
      scheduler_.configure(SliceId{static_cast<uint16_t>(slice)}, rates);
    }
  }

  void mark(rte_mbuf* packet, uint32_t slice, uint32_t class_number) override {
    PacketState& state = Packet{packet}.state();
    state.vlan = Vlan{static_cast<uint16_t>(slice)};
    state.pcp = static_cast<uint8_t>(class_number);
    state.length = packet->pkt_len;
  }

  uint32_t enqueue(std::span<rte_mbuf*> packets) override {
    for (rte_mbuf* packet : packets) {
      const PacketState& state = Packet{packet}.state();
      __builtin_prefetch(&queues_[state.vlan.number()][state.pcp], 1);
      scheduler_.prefetch(SliceId{state.vlan.number()});
    }
    const Cycles now{rte_rdtsc()};
    uint32_t queued = 0;
    for (rte_mbuf* mbuf : packets) {
      const Packet packet{mbuf};
      const PacketState& state = packet.state();
      ClassQueue& queue = queues_[state.vlan.number()][state.pcp];
      const auto wire = static_cast<uint32_t>(bulkhead::wire_bytes(state).count());
      if (!queue.has_room(wire, UINT32_MAX)) {
        rte_pktmbuf_free(mbuf);
        continue;
      }
      queue.push(packet, wire);
      scheduler_.activate(SliceId{state.vlan.number()}, static_cast<uint8_t>(1u << state.pcp), now);
      ++queued;
    }
    return queued;
  }

  uint32_t dequeue(std::span<rte_mbuf*> packets) override {
    const Cycles now{rte_rdtsc()};
    uint32_t taken = 0;
    while (taken < packets.size()) {
      const bulkhead::Grant* grant = scheduler_.next(now);
      if (!grant) break;
      Bytes sent;
      bool has_more = false;
      do {
        ClassQueue& queue = queues_[grant->slice.value()][grant->class_number];
        sent = Bytes{0};
        while (!queue.empty() && taken < packets.size()) {
          const Packet packet = queue.front();
          const Bytes wire = bulkhead::wire_bytes(packet.state());
          if (sent + wire > grant->allowed) break;
          sent += wire;
          queue.pop(packet, static_cast<uint32_t>(wire.count()));
          packets[taken++] = packet.mbuf();
        }
        has_more = !queue.empty();
      } while (scheduler_.charge(sent, has_more));
    }
    return taken;
  }

 private:
  using Queues = std::array<ClassQueue, kClasses>;

  bulkhead::EgressScheduler scheduler_;
  std::vector<Queues> queues_;
};

/// Packets that are not queued, in the order in which they come in next.
class Circle {
 public:
  explicit Circle(std::size_t capacity) : packets_(capacity) {}
  [[nodiscard]] bool empty() const { return first_ == end_; }
  void push(rte_mbuf* packet) { packets_[end_++ % packets_.size()] = packet; }
  rte_mbuf* pop() { return packets_[first_++ % packets_.size()]; }

 private:
  std::vector<rte_mbuf*> packets_;
  std::size_t first_ = 0;
  std::size_t end_ = 0;
};

uint32_t slice_of(uint32_t packet, uint32_t slices) { return (packet * 2'654'435'761u >> 7) % slices; }

/// Packets going round through one side, and what that took.
class Run {
 public:
  Run(Side& side, rte_mempool* pool, uint32_t slices) : side_(side), pool_(pool), slices_(slices) {
    while (made_ < kPackets) make();
  }
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;
  ~Run() {
    while (queued_ > 0) dequeue();
    while (!circle_.empty()) rte_pktmbuf_free(circle_.pop());
  }

  double cycles_per_packet(double seconds) {
    const auto time = static_cast<uint64_t>(seconds * static_cast<double>(rte_get_tsc_hz()));
    for (const uint64_t end = rte_rdtsc() + time; rte_rdtsc() < end;) {
      enqueue();
      dequeue();
    }
    return in_.cycles_per_packet() + out_.cycles_per_packet();
  }

 private:
  struct Cost {
    uint64_t cycles = 0;
    uint64_t packets = 0;
    [[nodiscard]] double cycles_per_packet() const {
      return static_cast<double>(cycles) / static_cast<double>(packets);
    }
  };

  void make() {
    rte_mbuf* packet = rte_pktmbuf_alloc(pool_);
    if (packet == nullptr) std::abort();
    packet->pkt_len = packet->data_len = kLength;
    side_.mark(packet, slice_of(made_, slices_), made_ % kClasses);
    ++made_;
    circle_.push(packet);
  }

  void enqueue() {
    uint32_t count = 0;
    while (queued_ < kDepth && count < kBurst && !circle_.empty()) burst_[count++] = circle_.pop();
    if (count == 0) return;
    const uint64_t begin = rte_rdtsc();
    const uint32_t kept = side_.enqueue({burst_.data(), count});
    in_.cycles += rte_rdtsc() - begin;
    in_.packets += count;
    queued_ += kept;
    for (uint32_t dropped = kept; dropped < count; ++dropped) make();
  }

  void dequeue() {
    const uint64_t begin = rte_rdtsc();
    const uint32_t left = side_.dequeue(burst_);
    out_.cycles += rte_rdtsc() - begin;
    out_.packets += left;
    queued_ -= left;
    for (uint32_t i = 0; i < left; ++i) circle_.push(burst_[i]);
  }

  Side& side_;
  rte_mempool* pool_;
  uint32_t slices_;
  Circle circle_{kPackets * 2};
  std::array<rte_mbuf*, kBurst> burst_{};
  uint32_t made_ = 0;
  uint64_t queued_ = 0;
  Cost in_;
  Cost out_;
};

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

void report(const char* variant, uint32_t slices, double ours, double theirs) {
  fmt::print(
      "{{\"bench\": \"scheduler-{}{}\", \"ours\": {:.1f}, \"peer\": \"rte_sched\", \"theirs\": {:.1f}, "
      "\"ratio\": {:.3f}, \"unit\": \"cycles_per_packet\"}}\n",
      slices, variant, ours, theirs, ours / theirs);
}

void compare(rte_mempool* pool, uint32_t slices, const Effort& effort) {
  std::vector<double> ours, theirs, with_rates;
  const auto measure = [&](Side& side) { return Run(side, pool, slices).cycles_per_packet(effort.seconds); };
  for (int round = 0; round < effort.rounds; ++round) {
    Ours plain(slices, false);
    ours.push_back(measure(plain));
    Peer peer(slices);
    theirs.push_back(measure(peer));
    Ours limited(slices, true);
    with_rates.push_back(measure(limited));
  }
  report("", slices, median(ours), median(theirs));
  report("-guarantees-ceilings", slices, median(with_rates), median(theirs));
}

}  // namespace

int main(int argc, char** argv) {
  const int parsed = rte_eal_init(argc, argv);
  if (parsed < 0) return EXIT_FAILURE;
  const bool quick = parsed + 1 < argc && std::string_view(argv[parsed + 1]) == "--quick";
  rte_mempool* const pool = rte_pktmbuf_pool_create("packets", 32'767, 512, 0, 2176, 0);
  if (pool == nullptr) return EXIT_FAILURE;
  if (quick)
    for (const uint32_t slices : {1u, 64u}) compare(pool, slices, {.rounds = 1, .seconds = 0.1});
  else
    for (const uint32_t slices : {1u, 16u, 64u, 1024u, 4096u}) compare(pool, slices, {});
  rte_mempool_free(pool);
  rte_eal_cleanup();
}
