// SPDX-License-Identifier: Apache-2.0
#include "classifier/demultiplexer.hpp"

#include <algorithm>
#include <utility>

#include "classifier/whose.hpp"

namespace bulkhead {

Demultiplexer::Demultiplexer(PortId port, const SliceTable& table, std::vector<SliceInput*> inputs,
                             const Marks& marks, DropCounters& unclaimed)
    : port_(port),
      table_(table),
      inputs_(std::move(inputs)),
      marks_(marks),
      unclaimed_(unclaimed),
      pending_marks_(marks.ready.words(), 0) {
  pending_words_.reserve(marks.ready.words());
}

void Demultiplexer::expect(uint32_t mark, SliceId slice, Counter& strangers) {
  if (mark >= marked_.size()) marked_.resize(mark + std::size_t{1});
  marked_[mark] = {.slice = Verdict::of(slice), .strangers = &strangers};
  any_expected_ = true;
}

void Demultiplexer::run(Burst& burst) {
  const std::span<const Packet> packets = burst.span();
  run_count_ = 0;
  packet_count_ = burst.size();
  if (packets.empty()) return;
  // First whose they all are, in runs of one slice, so that the slices' lines are on their way when they are
  // written to.
  Verdict verdict = classify(packets[0]);
  for (std::size_t i = 0; i < packets.size();) {
    Run run{.verdict = verdict, .packets = 0, .bytes = 0};
    if (verdict.is_slice()) inputs_[verdict.slice().value()]->prefetch();
    do {
      ++run.packets;
      run.bytes += packets[i].state().length;
      if (++i == packets.size()) break;
      verdict = classify(packets[i]);
    } while (verdict == run.verdict);
    runs_[run_count_++] = run;
  }
  const Packet* next = packets.data();
  for (const Run& run : std::span(runs_).first(run_count_)) {
    deliver({next, run.packets}, run);
    next += run.packets;
  }
  burst.release();
  any_long_ = false;
  publish_ready();
}

uint64_t Demultiplexer::charge(uint64_t cycles) {
  if (packet_count_ == 0) return 0;
  const uint64_t each = cycles / packet_count_;
  uint64_t charged = 0;
  for (const Run& run : std::span(runs_).first(run_count_)) {
    if (!run.verdict.is_slice()) continue;
    inputs_[run.verdict.slice().value()]->cycles.add(each * run.packets);
    charged += each * run.packets;
  }
  return charged;
}

Verdict Demultiplexer::classify(Packet packet) {
  any_long_ = any_long_ || packet.segments() > 1;
  const Verdict verdict = whose(table_, port_, packet);
  if (any_expected_ && packet.is_marked()) return check_mark(packet, verdict);
  return verdict;
}

Verdict Demultiplexer::check_mark(Packet packet, Verdict verdict) const {
  const uint32_t mark = packet.mark();
  if (mark >= marked_.size() || marked_[mark].strangers == nullptr) return verdict;
  if (verdict == marked_[mark].slice || verdict == Verdict::malformed()) return verdict;
  marked_[mark].strangers->add(1);
  return Verdict::stranger();
}

void Demultiplexer::deliver(std::span<const Packet> packets, const Run& run) {
  if (!run.verdict.is_slice()) {
    const bool malformed = run.verdict == Verdict::malformed();
    if (run.verdict != Verdict::stranger())
      unclaimed_.add(malformed ? DropReason::malformed : DropReason::not_in_flowspace, packets.size());
    return free_packets(packets);
  }
  SliceInput& input = *inputs_[run.verdict.slice().value()];
  input.received.add(packets.size(), run.bytes);
  if (any_long_) [[unlikely]] {
    deliver_long(packets, run.verdict.slice());
  } else if (const uint32_t queued = input.queue.push(packets); queued < packets.size()) [[unlikely]] {
    refused(run.verdict.slice()).add(packets.size() - queued);
    free_packets(packets.subspan(queued));
  }
  mark_ready(run.verdict.slice());
}

/// One by one: a long frame that finds no room leaves it to those behind.
void Demultiplexer::deliver_long(std::span<const Packet> packets, SliceId slice) {
  SliceInput& input = *inputs_[slice.value()];
  for (const Packet packet : packets) {
    const uint32_t buffers = packet.state().buffers;
    if ((buffers == 1 || input.has_room_for_long(buffers)) && input.queue.push({&packet, 1}) == 1) continue;
    refused(slice).add(1);
    free_packets({&packet, 1});
  }
}

/// What counts the packets that the slice's input has no room for.
Counter& Demultiplexer::refused(SliceId slice) const {
  SliceInput& input = *inputs_[slice.value()];
  return marks_.over_budget.is_marked(slice.value()) ? input.dropped_budget : input.dropped_full;
}

void Demultiplexer::mark_ready(SliceId slice) {
  const uint32_t word = slice.value() / 64u;
  if (pending_marks_[word] == 0) pending_words_.push_back(word);
  pending_marks_[word] |= uint64_t{1} << slice.value() % 64;
}

void Demultiplexer::publish_ready() {
  for (const uint32_t word : pending_words_)
    marks_.ready.mark_word(word, std::exchange(pending_marks_[word], 0));
  pending_words_.clear();
}

}  // namespace bulkhead
