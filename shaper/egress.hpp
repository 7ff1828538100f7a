// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "classifier/ready_set.hpp"
#include "nic/port.hpp"
#include "shaper/cpu_meter.hpp"
#include "shaper/egress_scheduler.hpp"
#include "shaper/slice_output.hpp"

namespace bulkhead {

/// The way out of one port: moves packets from the slices' rings into their class queues, lets the scheduler
/// say who sends, and hands that to the device. One object per port; one thread at a time, the one that has
/// the port's egress claim.
///
/// Where nobody contends for the port, packets pass the class queues by, and the rings too where the worker
/// that forwards them has the port: what leaves within the same 10 us needs no order.
///
/// The scheduler paces the port at its speed, and gives the device what is due within the next 10 us at once:
/// bursts, as devices like them, and no more than that a more urgent packet has to wait for.
///
/// What the device does not take at once stays here and is offered again: nothing overtakes it. A port whose
/// link is down keeps its packets until they are dropped on purpose; one whose device is gone drops them, so
/// that they take no room from what the slice sends elsewhere.
class Egress {
 public:
  struct Options {
    BitsPerSecond speed;  // line rate: nothing leaves faster
    uint64_t clock_hz = 0;
  };

  Egress(const Port& port, const Options& options);
  Egress(const Egress&) = delete;
  Egress& operator=(const Egress&) = delete;
  /// Requires: every output is detached.
  ~Egress() = default;

  /// Makes the scheduler know an output; `detach` before it goes. Again for one that is attached: does
  /// nothing.
  void attach(SliceOutput& output);
  /// Drops what of the output waits here, up to `most` packets of its class queues, and forgets it once
  /// nothing does; false where more is left. Requires: nobody sends to it any more.
  bool detach(SliceOutput& output, DropReason reason, uint32_t most = UINT32_MAX);
  /// Gives an attached output other rates; its packets and what it has used stay.
  void set_rates(SliceOutput& output, const SliceRates& rates);

  /// Takes packets of the slices marked in `ready` and transmits what may leave at the meter's time, which
  /// moves on to the end of the visit; charges that to the slices whose packets left. `outputs`: by SliceId,
  /// null where the slice has no output here. Returns how many packets moved.
  uint32_t visit(ReadySet& ready, const std::vector<SliceOutput*>& outputs, CpuMeter& meter);

  /// Sends packets of an attached output past its ring and its class queues, with the next visit, if nobody's
  /// packets wait here; false where they must be queued. Requires: none of the output's is in its ring.
  [[nodiscard]] bool pass(const SliceOutput& output, std::span<const Packet> burst, Cycles now);

  /// When packets may leave that wait for their time; nothing if none does.
  [[nodiscard]] std::optional<Cycles> next_event() const;

  /// The longest frame that it was made for, whatever the device can by now: a longer one would never leave.
  [[nodiscard]] uint32_t max_frame() const { return max_frame_; }

  /// Whether there is a device. Where not, what would be given to it is dropped (`transmit_failed`).
  void set_open(bool is_open) { is_open_ = is_open; }

  /// The line rate is another now.
  void set_speed(BitsPerSecond speed);
  /// The line rate.
  [[nodiscard]] BitsPerSecond speed() const { return speed_; }

  /// Packets that left a queue and that the device has not taken yet.
  [[nodiscard]] uint32_t pending() const { return batch_.size() - first_; }

 private:
  /// What is to be counted of a packet once the device has it, and may have freed it.
  struct Sent {
    Cycles arrival;
    uint32_t length;
    uint8_t pcp;
    uint8_t buffers;
    uint16_t slot;

    /// Of the same slice, and received together.
    [[nodiscard]] bool came_with(const Sent& other) const {
      return slot == other.slot && arrival == other.arrival;
    }
  };
  static_assert(sizeof(Sent) == 16);

  Cycles at(Cycles now);
  bool admit(ReadySet& ready, const std::vector<SliceOutput*>& outputs, Cycles now, CpuMeter& meter);
  bool admit_from(SliceOutput& output, Cycles now, CpuMeter& meter);
  uint32_t put(uint32_t place, Packet packet, uint16_t slot);
  void schedule(Cycles now);
  Bytes take(SliceOutput& output, const Grant& grant);
  uint32_t transmit(CpuMeter& meter);
  uint64_t count(uint32_t from, uint32_t to, Cycles now, uint64_t cycles);
  void drop_pending(SliceOutput& output, DropReason reason);
  uint32_t drop_batch(CpuMeter& meter);

  const Port& port_;
  uint32_t max_frame_;
  BitsPerSecond speed_;
  MicrosecondScale scale_;
  EgressScheduler scheduler_;
  std::vector<SliceOutput*> slots_;
  Cycles latest_;              // that a worker came with
  std::size_t turn_ = 0;       // the slice that is next to be admitted
  bool is_contended_ = false;  // packets did not pass of late

  // Packets on their way to the device: a visit's, behind as many as do not yet make enough to be sent.
  using Batch = BurstOf<2 * Burst::kCapacity>;
  Batch batch_;
  uint32_t first_ = 0;
  bool is_open_ = true;
  bool is_device_full_ = false;  // it did not take all of the last batch
  uint64_t unpaid_ = 0;          // cycles of laps that end before the next packets leave, who pay for them
  std::array<Sent, Batch::kCapacity> sent_;
};

}  // namespace bulkhead
