// SPDX-License-Identifier: Apache-2.0
#include "perf/isolation/traffic.hpp"

#include <algorithm>
#include <utility>

#include "nic/clock.hpp"
#include "perf/isolation/stamp.hpp"

namespace bulkhead::perf {
namespace {

constexpr uint32_t kTogether = 8;      // frames of a stream, before others have their turn
constexpr int kBurstsTogether = 4;     // collected from an end, likewise
constexpr double kLongestLag = 0.002;  // seconds of schedule that are made up for; more is given up
constexpr double kQuiet = 0.03;        // seconds without a frame: nothing is under way any more
constexpr double kLongestDrain = 3;

double hertz() { return static_cast<double>(clock_hz()); }
Cycles cycles(double seconds) { return Cycles{static_cast<uint64_t>(seconds * hertz())}; }
double milliseconds(Cycles time) { return static_cast<double>(time.count()) / hertz() * 1e3; }

uint64_t stolen_from(std::span<const WorkerTime> workers) {
  uint64_t all = 0;
  for (const WorkerTime& worker : workers) all += worker.stolen.read();
  return all;
}

}  // namespace

struct Traffic::State {
  uint16_t number = 0;
  double interval = 0;  // cycles between bursts
  double next = 0;
  double not_before = 0;  // the next frame, where there is a fastest rate
  uint32_t pending = 0;   // frames that are due
  uint32_t sequence = 0;
  uint32_t expected = 0;
  Outcome outcome;
};

struct Traffic::Window {
  Cycles start;
  Cycles begin;
  Cycles end;
  [[nodiscard]] bool has(Cycles at) const { return at >= begin && at < end; }
};

double Outcome::delay_us(double share) const {
  return static_cast<double>(delays.quantile(share)) / hertz() * 1e6;
}

bool Measured::kept_up() const {
  return std::ranges::all_of(streams, [](const Outcome& outcome) {
    return static_cast<double>(outcome.sent) >= 0.99 * static_cast<double>(outcome.planned);
  });
}

Traffic::Traffic(std::vector<std::unique_ptr<FarEnd>> ends, const PacketPool& pool)
    : ends_(std::move(ends)), pool_(pool) {}
Traffic::~Traffic() = default;

Measured Traffic::run(std::span<const Stream> streams, const RunTime& time,
                      std::span<const WorkerTime> workers) {
  ++run_;
  Cycles now = clock_now();
  const Cycles begin = now + cycles(time.warm_up);
  const Window window{.start = now, .begin = begin, .end = begin + cycles(time.window)};
  std::vector<State> states(streams.size());
  for (std::size_t i = 0; i < streams.size(); ++i) {
    State& state = states[i];
    state.number = static_cast<uint16_t>(i);
    state.interval = hertz() * streams[i].burst / streams[i].rate;
    // Senders of one rate do not send at the same moment.
    state.next = static_cast<double>(now.count()) +
                 state.interval * static_cast<double>(i) / static_cast<double>(streams.size());
    state.outcome.seconds = time.window;
  }
  const bool paced = std::ranges::any_of(streams, [](const Stream& stream) { return stream.fastest > 0; });
  const uint64_t stolen = stolen_from(workers);
  CoreWatch watch(workers, now);
  for (; now < window.end; now = clock_now()) {
    watch.look(now);
    if (each_round) each_round(now);
    for (std::size_t i = 0; i < streams.size(); ++i) {
      emit_due(streams[i], states[i], window, now);
      if (paced) emit_paced(streams, states, window);
    }
    collect(streams, states, window);
  }
  const Cycles latest = now + cycles(kLongestDrain);
  for (Cycles news = now; now < latest && now - news < cycles(kQuiet); now = clock_now())
    if (collect(streams, states, window)) news = now;
  Measured measured;
  for (State& state : states) measured.streams.push_back(std::move(state.outcome));
  measured.generator_away_ms = milliseconds(watch.own());
  measured.stolen_ms = milliseconds(Cycles{stolen_from(workers) - stolen});
  measured.worker_away_ms = milliseconds(watch.worker());
  return measured;
}

/// Those that would be unpunctual if they waited for all the others.
void Traffic::emit_paced(std::span<const Stream> streams, std::span<State> states, const Window& window) {
  const Cycles now = clock_now();
  for (std::size_t i = 0; i < streams.size(); ++i)
    if (streams[i].fastest > 0) emit_due(streams[i], states[i], window, now);
}

void Traffic::emit_due(const Stream& stream, State& state, const Window& window, Cycles now) {
  const auto moment = static_cast<double>(now.count());
  if (stream.period > 0) {
    const double phase = static_cast<double>((now - window.start).count() % cycles(stream.period).count());
    if (phase >= stream.on * hertz()) {
      state.next = std::max(state.next, moment);
      return;
    }
  }
  const double oldest = moment - kLongestLag * hertz();
  while (state.next <= moment) {
    const bool counts = window.has(Cycles{static_cast<uint64_t>(state.next)});
    if (counts) state.outcome.planned += stream.burst;
    if (state.next >= oldest) state.pending += stream.burst;
    state.next += state.interval;
  }
  // What the generator does not manage is not sent later.
  state.pending = std::min(state.pending, stream.burst + static_cast<uint32_t>(kLongestLag * stream.rate));
  const uint32_t together = stream.fastest > 0 ? 1 : kTogether;
  if (moment < state.not_before) return;
  if (stream.fastest > 0 && state.pending > 0) state.not_before = moment + hertz() / stream.fastest;
  for (uint32_t n = 0; n < together && state.pending > 0; ++n, --state.pending) {
    const Emitted emitted = emit(stream, state, now);
    if (emitted == Emitted::no_packet) return;  // the frame stays due
    if (!window.has(now)) continue;
    ++state.outcome.sent;
    if (emitted == Emitted::refused) ++state.outcome.refused;
  }
}

Traffic::Emitted Traffic::emit(const Stream& stream, State& state, Cycles now) {
  const Packet packet = pool_.allocate(stream.headers);
  if (packet.mbuf() == nullptr) return Emitted::no_packet;
  packet.mbuf()->pkt_len = stream.length;
  packet.mbuf()->data_len = static_cast<uint16_t>(stream.length);
  if (stream.craft != nullptr) stream.craft(packet.data(), state.sequence);
  Stamp{.sent = now.count(),
        .sequence = state.sequence++,
        .whose = static_cast<uint16_t>(run_ << 10 | state.number)}
      .write(packet.data());
  if (stream.length >= Departure::kEnd) Departure::write(packet.data(), 0);
  if (stream.active && ends_[stream.ingress]->inject(packet)) return Emitted::on_its_way;
  free_packets({&packet, 1});
  return stream.active ? Emitted::refused : Emitted::on_its_way;
}

/// Whether any frame came.
bool Traffic::collect(std::span<const Stream> streams, std::span<State> states, const Window& window) {
  bool any = false;
  for (std::size_t end = 0; end < ends_.size(); ++end)
    for (int bursts = 0; bursts < kBurstsTogether; ++bursts) {
      Burst burst;
      ends_[end]->collect(burst);
      if (burst.empty()) break;
      any = true;
      const Cycles now = clock_now();
      // Another core has written them: were they waited for one by one, the generator would be the limit.
      for (const Packet packet : burst.span()) __builtin_prefetch(packet.mbuf());
      for (const Packet packet : burst.span()) __builtin_prefetch(packet.data() + Stamp::kAt);
      for (const Packet packet : burst.span()) count(packet, end, now, streams, states, window);
      if (burst.room() > 0) break;
    }
  return any;
}

void Traffic::count(Packet packet, std::size_t end, Cycles now, std::span<const Stream> streams,
                    std::span<State> states, const Window& window) const {
  if (packet.length() < Stamp::kEnd) return;
  const Stamp stamp = Stamp::read(packet.data());
  const std::size_t number = stamp.whose & 1023;
  if (stamp.whose >> 10 != (run_ & 63) || number >= states.size() || streams[number].egress != end) return;
  State& state = states[number];
  if (window.has(now)) ++state.outcome.arrived;
  if (stamp.sequence < state.expected) ++state.outcome.reordered;
  state.expected = std::max(state.expected, stamp.sequence + 1);
  if (!window.has(Cycles{stamp.sent})) return;
  ++state.outcome.received;
  const uint64_t left = packet.length() >= Departure::kEnd ? Departure::read(packet.data()) : 0;
  state.outcome.delays.record((left != 0 ? left : now.count()) - stamp.sent);
}

}  // namespace bulkhead::perf
