// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "classifier/demultiplexer.hpp"
#include "classifier/ready_set.hpp"
#include "classifier/slice_table.hpp"
#include "shaper/cpu_share.hpp"
#include "shaper/homes.hpp"
#include "shaper/port_runtime.hpp"
#include "shaper/slice_runtime.hpp"

namespace bulkhead {

/// The workers, and the slices' parts of them by SliceId: missing ones are default shares.
struct CpuPlan {
  std::size_t workers = 1;
  std::vector<CpuShare> shares;
};

/// A port's queue by which only one slice's packets are to come; of the shared queue, 0, those with a mark.
/// Queues besides that one that have no owner are everybody's, as it is.
struct QueueOwner {
  PortId port;
  QueueId queue;
  SliceId slice;
  uint32_t mark = 0;  // where queue is 0
  uint8_t turn = 0;   // of the slice's queues, those with the lowest are looked into first
};

/// Everything that workers visit under one configuration, and how it hangs together. The structure never
/// changes: a new configuration is a new Layout, which shares the ports and slices that stayed as they were.
class Layout {
 public:
  struct PortPlace {
    std::shared_ptr<PortRuntime> runtime;
    std::unique_ptr<Demultiplexer> demultiplexer;  // used under the port's receive claim
    std::vector<SliceOutput*> outputs;             // by SliceId, null where the slice is not at this port
    std::unique_ptr<ReadySet> ready;               // slices with packets to send here
    std::vector<QueueId> shared_queues;            // 0, and those without owner
  };

  /// `ports` by PortId, `slices` by SliceId. Every queue is marked ready, so that what a slice brings along
  /// from an earlier layout is visited. Slices stay at home where they are.
  Layout(uint64_t generation, std::shared_ptr<const SliceTable> table,
         std::vector<std::shared_ptr<PortRuntime>> ports, std::vector<std::shared_ptr<SliceRuntime>> slices,
         CpuPlan cpu = {}, std::span<const QueueOwner> owners = {});

  /// The same with other owners of queues.
  [[nodiscard]] std::unique_ptr<const Layout> with_owners(std::span<const QueueOwner> owners) const;

  Layout(const Layout&) = delete;
  Layout& operator=(const Layout&) = delete;

  [[nodiscard]] uint64_t generation() const { return generation_; }
  [[nodiscard]] const std::vector<PortPlace>& ports() const { return ports_; }
  [[nodiscard]] const std::vector<std::shared_ptr<SliceRuntime>>& slices() const { return slices_; }
  /// By PortId.
  [[nodiscard]] std::span<PortRuntime* const> port_runtimes() const { return port_runtimes_; }
  /// Slices with packets to forward.
  [[nodiscard]] ReadySet& ready() const { return *ready_; }

  [[nodiscard]] const CpuShare& cpu_share(std::size_t slice) const { return shares_[slice]; }
  /// The slice may not have a whole core.
  [[nodiscard]] bool is_capped(std::size_t slice) const {
    return (capped(slice / 64) >> slice % 64 & 1) != 0;
  }
  /// A part of a core is the slice's whenever it has work.
  [[nodiscard]] bool is_reserved(std::size_t slice) const { return shares_[slice].reserve > 0; }
  [[nodiscard]] bool any_capped() const { return any_capped_; }
  /// Slices 64 * word and up that may not.
  [[nodiscard]] uint64_t capped(std::size_t word) const { return capped_[word]; }
  /// Slices that wait for CPU time.
  [[nodiscard]] ReadySet& over_budget() const { return *over_budget_; }
  /// SliceRuntime::cpu_slot, where it can be read without a look at the slice.
  [[nodiscard]] uint16_t cpu_slot(std::size_t slice) const { return slots_[slice]; }
  /// All are below this.
  [[nodiscard]] std::size_t cpu_slots() const { return cpu_slots_; }

  /// The slice's own queues.
  [[nodiscard]] std::span<const SliceRuntime::OwnIngress> own_queues(std::size_t slice) const {
    return std::span(own_queues_).subspan(first_own_[slice], first_own_[slice + 1] - first_own_[slice]);
  }
  /// Slices with queues of their own and a reserve.
  [[nodiscard]] std::span<const uint16_t> reserved_own() const { return reserved_own_; }
  [[nodiscard]] std::size_t own_queue_count() const { return own_queues_.size(); }
  /// Of queues and marks.
  [[nodiscard]] std::size_t owner_count() const { return owner_count_; }
  /// Marks the slices ready, of `some` for each word of marks, that have queues of their own: no one says
  /// when packets come there. Any thread.
  template <class Some>
  void mark_own(Some some) const {
    for (std::size_t word = 0; word < has_own_.size(); ++word)
      if (const uint64_t marks = has_own_[word] & some(word); marks != 0) ready_->mark_word(word, marks);
  }

  [[nodiscard]] const Homes& homes() const { return *homes_; }
  /// Moves the slice to another worker, in this layout and those after it. Control thread, one at a time.
  void move(std::size_t slice, std::size_t worker) const;

  /// Marks every queue ready: visits find out what is really there. Any thread.
  void mark_all() const;

  /// Whether no packet is queued anywhere. Any thread.
  [[nodiscard]] bool is_drained() const;

 private:
  void add_port(std::shared_ptr<PortRuntime> runtime);
  void share_out_queues(std::span<const QueueOwner> owners);
  void number_slots();
  void find_homes(std::size_t workers);

  uint64_t generation_;
  std::shared_ptr<const SliceTable> table_;
  std::vector<std::shared_ptr<SliceRuntime>> slices_;
  std::unique_ptr<ReadySet> ready_;
  std::vector<CpuShare> shares_;  // by SliceId
  std::vector<uint64_t> capped_;
  bool any_capped_ = false;
  std::unique_ptr<ReadySet> over_budget_;
  std::unique_ptr<Homes> homes_;
  std::vector<uint16_t> slots_;  // by SliceId
  std::size_t cpu_slots_ = 0;
  std::vector<PortPlace> ports_;
  std::vector<PortRuntime*> port_runtimes_;           // of ports_
  std::vector<SliceRuntime::OwnIngress> own_queues_;  // of all slices, in their order
  std::vector<std::size_t> first_own_;                // in own_queues_, by SliceId, and the end
  std::vector<uint64_t> has_own_;                     // slices with queues of their own
  std::vector<uint16_t> reserved_own_;                // of has_own_
  std::size_t owner_count_ = 0;
};

}  // namespace bulkhead
