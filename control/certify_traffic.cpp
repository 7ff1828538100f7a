// SPDX-License-Identifier: Apache-2.0
#include "control/certify_traffic.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

#include "control/core_watch.hpp"
#include "control/delay_histogram.hpp"
#include "control/entitlement.hpp"
#include "nic/clock.hpp"

namespace bulkhead {
namespace {

using Seconds = std::chrono::duration<double>;

constexpr uint32_t kMagic = 0x62756c6b;
constexpr int kBurst = 32;             // of one flow, before others have their turn
constexpr double kQuietSeconds = 0.5;  // nothing more is on its way
constexpr double kLongestDrain = 60;
constexpr double kGreetingSeconds = 0.02;

/// At the end of a frame: which it is, and when it was sent.
struct Stamp {
  uint32_t magic;
  uint32_t run;
  uint32_t flow;
  uint32_t sequence;
  uint64_t sent;
};
static_assert(sizeof(Stamp) == kStampSize);

Cycles cycles(double seconds) {
  return Cycles{static_cast<uint64_t>(seconds * static_cast<double>(clock_hz()))};
}
Seconds seconds(Cycles time) {
  return Seconds{static_cast<double>(time.count()) / static_cast<double>(clock_hz())};
}
double bits(Bytes size) { return 8.0 * static_cast<double>(size.count()); }

/// One flow's schedule and what is known of its frames.
struct FlowState {
  double interval = 0;  // cycles
  double next = 0;      // when the next frame is due
  uint32_t sent = 0;
  uint32_t received = 0;
  uint32_t expected = 0;  // the sequence number that comes next, if none is lost
  uint64_t reordered = 0;
  Bytes received_bytes;
};

/// What the flows of one subject have in common.
struct Tally {
  Bytes window_bytes;
  Cycles first_sent{UINT64_MAX};
  Cycles last_received;
  DelayHistogram delays;
};

}  // namespace

/// One step: what was sent, and what became of it.
class TestTraffic::Run {
 public:
  Run(std::span<const Flow> flows, std::size_t subjects, const CertifyTime& time, Cycles start)
      : flows_(flows),
        states_(flows.size()),
        tallies_(subjects),
        start_(start),
        window_(start + cycles(time.warm_up.count())),
        end_(window_ + cycles(time.window.count())) {
    for (std::size_t i = 0; i < flows.size(); ++i) {
      const double rate = static_cast<double>(std::max<uint64_t>(flows[i].rate.count(), 1));
      states_[i].interval = bits(flows[i].stream->wire) / rate * static_cast<double>(clock_hz());
      // Flows of one rate do not send at the same moment.
      const double place = static_cast<double>(i) / static_cast<double>(flows.size());
      states_[i].next = static_cast<double>(start.count()) + states_[i].interval * place;
      slowest_ = std::max(slowest_, states_[i].interval);
    }
  }

  [[nodiscard]] Cycles end() const { return end_; }
  [[nodiscard]] bool is_due(std::size_t flow, Cycles now) const {
    return states_[flow].next <= static_cast<double>(now.count());
  }
  [[nodiscard]] uint32_t sequence(std::size_t flow) const { return states_[flow].sent; }
  [[nodiscard]] uint64_t received() const { return received_; }
  [[nodiscard]] bool has_all() const { return received_ >= sent_; }
  /// How long nothing has to come before the rest is lost.
  [[nodiscard]] Cycles patience() const {
    return cycles(kQuietSeconds) + Cycles{static_cast<uint64_t>(4 * slowest_)};
  }

  void count_sent(std::size_t flow, Cycles now) {
    FlowState& state = states_[flow];
    Tally& tally = tallies_[flows_[flow].subject];
    tally.first_sent = std::min(tally.first_sent, now);
    state.next += state.interval;
    ++state.sent;
    ++sent_;
  }

  void count_received(std::size_t flow, uint32_t sequence, Cycles sent, uint32_t length, Cycles now) {
    FlowState& state = states_[flow];
    Tally& tally = tallies_[flows_[flow].subject];
    const Bytes wire = Bytes{length} + kWireOverhead;
    if (sequence < state.expected) ++state.reordered;
    state.expected = std::max(state.expected, sequence + 1);
    ++state.received;
    ++received_;
    state.received_bytes += wire;
    if (now >= window_ && now < end_) tally.window_bytes += wire;
    tally.last_received = now;
    tally.delays.record(static_cast<uint64_t>(to_nanoseconds(now - sent).count()));
  }

  [[nodiscard]] std::vector<Measured> results() const {
    std::vector<Measured> out;
    for (const Tally& tally : tallies_) out.push_back(result_of(tally));
    for (std::size_t i = 0; i < flows_.size(); ++i) add(i, out[flows_[i].subject]);
    return out;
  }

 private:
  [[nodiscard]] Measured result_of(const Tally& tally) const {
    const auto time = [](uint64_t ns) { return Nanoseconds{static_cast<int64_t>(ns)}; };
    const DelayHistogram& delays = tally.delays;
    Measured out;
    out.window = seconds(end_ - window_);
    out.received = BitsPerSecond{static_cast<uint64_t>(bits(tally.window_bytes) / out.window.count())};
    if (tally.last_received > tally.first_sent) out.overall = seconds(tally.last_received - tally.first_sent);
    out.least_delay = time(delays.least());
    out.mean_delay = time(delays.mean());
    out.p99_delay = time(delays.quantile(0.99));
    out.most_delay = time(delays.most());
    return out;
  }

  void add(std::size_t flow, Measured& to) const {
    const FlowState& state = states_[flow];
    const TestStream& stream = *flows_[flow].stream;
    const double planned = static_cast<double>((end_ - start_).count()) / state.interval;
    to.planned += static_cast<uint64_t>(std::llround(planned));
    to.sent += state.sent;
    to.lost += state.sent - std::min(state.sent, state.received);
    to.reordered += state.reordered;
    to.received_bytes += state.received_bytes;
    to.offered +=
        BitsPerSecond{static_cast<uint64_t>(state.sent * bits(stream.wire) / seconds(end_ - start_).count())};
    const auto ceiling = static_cast<double>(stream.class_ceiling.count());
    const double most = ceiling * to.overall.count() + bits(default_burst(stream.class_ceiling));
    if (ceiling > 0 && bits(state.received_bytes) > most) ++to.classes_over_ceiling;
  }

  std::span<const Flow> flows_;
  std::vector<FlowState> states_;
  std::vector<Tally> tallies_;
  Cycles start_;
  Cycles window_;  // its beginning
  Cycles end_;     // of the window, and of sending
  double slowest_ = 0;
  uint64_t sent_ = 0;
  uint64_t received_ = 0;
};

TestTraffic::TestTraffic(std::vector<RingPort> ports, PacketPool pool)
    : ports_(std::move(ports)), pool_(std::move(pool)) {}

std::vector<Measured> TestTraffic::run(std::span<const Flow> flows, std::size_t subjects,
                                       const CertifyTime& time, std::span<const WorkerTime> workers) {
  ++run_;
  greet(flows);
  Cycles now = clock_now();
  Run run(flows, subjects, time, now);
  CoreWatch watch(workers, now);
  const auto collect_all = [&] {
    collect([&](const Stamp& stamp, uint32_t length, std::size_t port) {
      // A flood shows the frame at other ports, too.
      if (stamp.flow < flows.size() && flows[stamp.flow].stream->egress.value() == port)
        run.count_received(stamp.flow, stamp.sequence, Cycles{stamp.sent}, length, clock_now());
    });
  };
  for (; now < run.end(); now = clock_now()) {
    watch.look(now);
    for (uint32_t flow = 0; flow < flows.size(); ++flow)
      for (int burst = 0; burst < kBurst && run.is_due(flow, now); ++burst) {
        if (!send(*flows[flow].stream, flow, run.sequence(flow), now)) break;
        run.count_sent(flow, now);
      }
    collect_all();
  }
  // Until all have come, or nothing came for so long that the rest is lost.
  const Cycles latest = now + cycles(kLongestDrain);
  Cycles last_news = now;
  for (uint64_t known = run.received(); !run.has_all() && now < latest && now - last_news < run.patience();
       now = clock_now()) {
    watch.look(now);
    collect_all();
    if (std::exchange(known, run.received()) != run.received()) last_news = now;
  }
  std::vector<Measured> results = run.results();
  for (Measured& result : results) {
    result.traffic_away = to_nanoseconds(watch.own());
    result.worker_away = to_nanoseconds(watch.worker());
  }
  return results;
}

/// Lets switches learn where the destinations are.
void TestTraffic::greet(std::span<const Flow> flows) {
  for (const Flow& flow : flows) {
    if (flow.stream->greeting.empty()) continue;
    const Packet packet = pool_.allocate(flow.stream->greeting);
    if (packet.mbuf() != nullptr && !ports_[flow.stream->egress.value()].inject(packet))
      free_packets({&packet, 1});
  }
  // Long enough for a worker that was away; what comes out meanwhile belongs to nobody.
  for (const Cycles until = clock_now() + cycles(kGreetingSeconds); clock_now() < until;)
    collect([](const Stamp&, uint32_t, std::size_t) {});
}

/// False where there is no packet: the frame stays due. One that finds no room at the port is lost, as it
/// would be at a device.
bool TestTraffic::send(const TestStream& stream, uint32_t number, uint32_t sequence, Cycles now) {
  const Packet packet = pool_.allocate(stream.frame);
  if (packet.mbuf() == nullptr) return false;
  const Stamp stamp{.magic = kMagic, .run = run_, .flow = number, .sequence = sequence, .sent = now.count()};
  std::memcpy(packet.data() + packet.length() - sizeof stamp, &stamp, sizeof stamp);
  if (!ports_[stream.ingress.value()].inject(packet)) free_packets({&packet, 1});
  return true;
}

template <class Count>
void TestTraffic::collect(Count count) {
  for (std::size_t port = 0; port < ports_.size(); ++port) {
    Burst burst;
    ports_[port].collect(burst);
    for (const Packet packet : burst.span()) {
      Stamp stamp{};
      if (packet.segments() == 1 && packet.length() >= sizeof stamp)
        std::memcpy(&stamp, packet.data() + packet.length() - sizeof stamp, sizeof stamp);
      if (stamp.magic == kMagic && stamp.run == run_) count(stamp, packet.length(), port);
    }
  }
}

}  // namespace bulkhead
