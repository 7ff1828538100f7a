// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "control/core_watch.hpp"
#include "control/delay_histogram.hpp"
#include "perf/isolation/far_end.hpp"

namespace bulkhead::perf {

/// Frames of one sender, by schedule, whatever becomes of them.
struct Stream {
  std::vector<uint8_t> headers{};  // what each frame begins with, 46 bytes: tag, IPv4 and UDP
  uint32_t length = 60;  // of a frame, without its check sequence; what is behind the stamp is anything
  double rate = 0;       // frames a second
  uint32_t burst = 1;    // frames that are due at once
  /// Frames a second at most, also where the generator is late: it looks after such a stream between any two
  /// others, and sends one frame at a time. 0: what is late is sent at once.
  double fastest = 0;
  std::size_t ingress = 0;  // far ends, by number
  std::size_t egress = 1;
  /// Changes the headers of the n-th frame. Null: all are the same.
  void (*craft)(uint8_t* frame, uint32_t n) = nullptr;
  /// Sends during the first `on` seconds of each `period`, at its rate. 0: always.
  double period = 0;
  double on = 0;
  /// Not: frames are made on schedule and thrown away, so that the generator is as busy as with it.
  bool active = true;
};

/// What became of a stream's frames.
struct Outcome {
  uint64_t planned = 0;   // by schedule, in the window
  uint64_t sent = 0;      // of these
  uint64_t refused = 0;   // of those sent: the device had no room
  uint64_t received = 0;  // of those sent
  uint64_t reordered = 0;
  uint64_t arrived = 0;   // in the window, whenever they were sent
  DelayHistogram delays;  // from sending to departing or, where no device tells that, collecting; in cycles
  double seconds = 0;     // of the window

  [[nodiscard]] double lost() const {
    return sent == 0 ? 0 : 1 - static_cast<double>(received) / static_cast<double>(sent);
  }
  [[nodiscard]] double packets_per_second() const { return static_cast<double>(received) / seconds; }
  [[nodiscard]] double arrivals_per_second() const { return static_cast<double>(arrived) / seconds; }
  /// A delay that so large a share of the frames did not exceed, in microseconds.
  [[nodiscard]] double delay_us(double share) const;
};

/// What one run has shown.
struct Measured {
  std::vector<Outcome> streams;
  double generator_away_ms = 0;  // the longest times for which the machine kept
  double worker_away_ms = 0;     // a thread from its core
  double stolen_ms = 0;          // of the workers' time, taken by the kernel or the hypervisor, as they found
  /// Whether the generator sent what was planned, to within a hundredth.
  [[nodiscard]] bool kept_up() const;
};

struct RunTime {
  double warm_up = 0.2;  // seconds
  double window = 1;
};

/// Generator and collector, in one thread that is never idle. Streams are served in their order, a few frames
/// each, and everything is collected in between.
class Traffic {
 public:
  /// `pool`: gives the frames, of at least the longest stream's length.
  Traffic(std::vector<std::unique_ptr<FarEnd>> ends, const PacketPool& pool);
  Traffic(const Traffic&) = delete;
  Traffic& operator=(const Traffic&) = delete;
  ~Traffic();

  /// Sends for warm-up and window, and waits for what is still under way then. `workers` are watched
  /// meanwhile.
  [[nodiscard]] Measured run(std::span<const Stream> streams, const RunTime& time,
                             std::span<const WorkerTime> workers);

  /// Called in every round of a run, with the clock. Must be short.
  std::function<void(Cycles)> each_round;

 private:
  struct State;
  struct Window;
  void emit_paced(std::span<const Stream> streams, std::span<State> states, const Window& window);
  void emit_due(const Stream& stream, State& state, const Window& window, Cycles now);
  enum class Emitted : uint8_t { on_its_way, refused, no_packet };
  Emitted emit(const Stream& stream, State& state, Cycles now);
  bool collect(std::span<const Stream> streams, std::span<State> states, const Window& window);
  /// A frame that `end` has let out.
  void count(Packet packet, std::size_t end, Cycles now, std::span<const Stream> streams,
             std::span<State> states, const Window& window) const;

  std::vector<std::unique_ptr<FarEnd>> ends_;
  const PacketPool& pool_;
  uint16_t run_ = 0;
};

}  // namespace bulkhead::perf
