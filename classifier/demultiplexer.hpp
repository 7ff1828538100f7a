// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "classifier/drop_reason.hpp"
#include "classifier/packet_queue.hpp"
#include "classifier/ready_set.hpp"
#include "classifier/slice_table.hpp"
#include "nic/packet.hpp"

namespace bulkhead {

/// Where a slice's packets of one port wait to be visited, and what was counted on the way in. Written by the
/// worker that has the port's receive claim, consumed by the one that has the slice's. One cache line: a
/// delivery touches no other but the queue's slots.
struct alignas(64) SliceInput {
  explicit SliceInput(uint32_t capacity) : queue(capacity) {}

  PacketQueue queue;
  TrafficCounter received;  // all that are the slice's, dropped ones too
  Counter dropped_full;     // of those, for want of room: full_reason()
  Counter dropped_budget;   // of those: cpu_budget
  Counter cycles;           // spent on receiving and sorting them

  /// Longer than this is delay: what a round of visits brings.
  static constexpr uint32_t kLongest = 1024;
  /// Most packet buffers of one frame, which is then of 10 KiB; longer ones find no room.
  static constexpr uint32_t kMostBuffers = 5;

  /// Packet buffers that a queue of this capacity can hold: a quarter more than it has places, for further
  /// buffers of long frames.
  static constexpr uint32_t buffers_of(uint32_t capacity) { return capacity + capacity / 4; }

  /// Whether a frame of several buffers may enter. What is in the queue is not looked at: while so few are
  /// before it that all could be of kMostBuffers, the further ones stay within buffers_of(). Frames of one
  /// buffer that come later take no more than the places. Receive side.
  [[nodiscard]] bool has_room_for_long(uint32_t buffers) const {
    return buffers <= kMostBuffers && (queue.size() + 1) * (kMostBuffers - 1) <= queue.capacity() / 4;
  }

  /// Why a packet found no room: a queue as long as any may be is full by its own limit, any other because
  /// the slice has no more memory.
  [[nodiscard]] DropReason full_reason() const {
    return queue.capacity() >= kLongest ? DropReason::queue_full : DropReason::memory_quota;
  }

  /// Fetches what a delivery writes to.
  void prefetch() const { __builtin_prefetch(this, 1); }
};
static_assert(sizeof(SliceInput) == 64);

/// Sorts a port's packets into the queues of the slices whose flowspaces have them. One object per port; one
/// thread at a time. The table and the inputs must outlive it.
class Demultiplexer {
 public:
  struct Marks {
    ReadySet& ready;              // gets whose packets came
    const ReadySet& over_budget;  // says whose queue is full because they wait for the CPU
  };
  /// `inputs`: by SliceId; null where the slice has no flowspace at this port. `unclaimed` counts the frames
  /// that are nobody's.
  Demultiplexer(PortId port, const SliceTable& table, std::vector<SliceInput*> inputs, const Marks& marks,
                DropCounters& unclaimed);

  /// From now on a packet with this mark is to be the slice's: one that is not is a stranger there, dropped
  /// and counted in `strangers`. A mark alone gets no packet into a slice, and one that is not expected means
  /// nothing. Before the first run; requires a mark below kMostMarks.
  void expect(uint32_t mark, SliceId slice, Counter& strangers);

  /// Takes over every packet of the burst: queued, or dropped and counted.
  void run(Burst& burst);

  /// Divides what receiving and sorting the last burst took, in cycles, among the slices whose packets came
  /// in it, dropped ones too. Returns how much of it was theirs: the rest was for packets that are nobody's.
  uint64_t charge(uint64_t cycles);

 private:
  /// Packets that follow each other and have one owner.
  struct Run {
    Verdict verdict;
    uint32_t packets;
    uint64_t bytes;
  };

  /// Whose packets with a mark are to be.
  struct Marked {
    Verdict slice = Verdict::unclaimed();
    Counter* strangers = nullptr;  // null: the mark is not expected
  };

  [[nodiscard]] Verdict classify(Packet packet);
  [[nodiscard, gnu::noinline]] Verdict check_mark(Packet packet, Verdict verdict) const;
  void deliver(std::span<const Packet> packets, const Run& run);
  [[gnu::noinline]] void deliver_long(std::span<const Packet> packets, SliceId slice);
  [[nodiscard]] Counter& refused(SliceId slice) const;
  void mark_ready(SliceId slice);
  void publish_ready();

  PortId port_;
  const SliceTable& table_;
  std::vector<SliceInput*> inputs_;
  Marks marks_;
  DropCounters& unclaimed_;
  std::array<Run, Burst::kCapacity> runs_;  // of the last burst
  std::size_t run_count_ = 0;
  uint32_t packet_count_ = 0;            // in the runs
  std::vector<uint64_t> pending_marks_;  // by word of ready_, collected over a burst
  std::vector<uint32_t> pending_words_;
  std::vector<Marked> marked_;  // by mark
  bool any_expected_ = false;
  bool any_long_ = false;  // the burst has frames in several buffers
};

}  // namespace bulkhead
