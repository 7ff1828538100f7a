// SPDX-License-Identifier: Apache-2.0
#include "shaper/layout.hpp"

#include <algorithm>
#include <numeric>
#include <tuple>
#include <utility>

#include "shaper/placement.hpp"

namespace bulkhead {

Layout::Layout(uint64_t generation, std::shared_ptr<const SliceTable> table,
               std::vector<std::shared_ptr<PortRuntime>> ports,
               std::vector<std::shared_ptr<SliceRuntime>> slices, CpuPlan cpu,
               std::span<const QueueOwner> owners)
    : generation_(generation),
      table_(std::move(table)),
      slices_(std::move(slices)),
      ready_(std::make_unique<ReadySet>(slices_.size())),
      shares_(std::move(cpu.shares)),
      capped_(ready_->words()),
      over_budget_(std::make_unique<ReadySet>(slices_.size())),
      homes_(std::make_unique<Homes>(slices_.size(), cpu.workers)) {
  shares_.resize(slices_.size());
  number_slots();
  find_homes(cpu.workers);
  for (std::size_t slice = 0; slice < slices_.size(); ++slice) {
    if (shares_[slice].is_capped()) capped_[slice / 64] |= uint64_t{1} << slice % 64;
    any_capped_ = any_capped_ || shares_[slice].is_capped();
  }
  ports_.reserve(ports.size());
  for (std::shared_ptr<PortRuntime>& runtime : ports) add_port(std::move(runtime));
  share_out_queues(owners);
  mark_all();
}

std::unique_ptr<const Layout> Layout::with_owners(std::span<const QueueOwner> owners) const {
  std::vector<std::shared_ptr<PortRuntime>> ports;
  for (const PortPlace& place : ports_) ports.push_back(place.runtime);
  return std::make_unique<const Layout>(generation_, table_, std::move(ports), slices_,
                                        CpuPlan{.workers = homes_->workers(), .shares = shares_}, owners);
}

void Layout::add_port(std::shared_ptr<PortRuntime> runtime) {
  const PortId port{static_cast<uint16_t>(ports_.size())};
  PortPlace place{.runtime = std::move(runtime),
                  .demultiplexer = nullptr,
                  .outputs = {},
                  .ready = std::make_unique<ReadySet>(slices_.size()),
                  .shared_queues = {QueueId{0}}};
  std::vector<SliceInput*> inputs;
  for (const std::shared_ptr<SliceRuntime>& slice : slices_) {
    const auto* attachment = slice->attachment_at(port);
    inputs.push_back(attachment != nullptr ? attachment->input.get() : nullptr);
    place.outputs.push_back(attachment != nullptr ? attachment->output.get() : nullptr);
  }
  place.demultiplexer = std::make_unique<Demultiplexer>(
      port, *table_, std::move(inputs), Demultiplexer::Marks{.ready = *ready_, .over_budget = *over_budget_},
      place.runtime->unclaimed);
  port_runtimes_.push_back(place.runtime.get());
  ports_.push_back(std::move(place));
}

void Layout::share_out_queues(std::span<const QueueOwner> owners) {
  std::vector<QueueOwner> sorted(owners.begin(), owners.end());
  std::ranges::sort(sorted, {}, [](const QueueOwner& owner) {
    return std::tuple{owner.slice, owner.turn, owner.port, owner.queue};
  });
  owner_count_ = owners.size();
  has_own_.resize(ready_->words());
  first_own_.resize(slices_.size() + 1);
  for (const QueueOwner& owner : sorted) {
    const std::size_t number = owner.slice.value();
    SliceRuntime& slice = *slices_[number];
    PortRuntime& port = *ports_[owner.port.value()].runtime;
    const LocalPort ingress = *slice.local_port(owner.port);
    OwnArrivals& arrivals = *slice.attachments()[ingress].own;
    if (owner.mark != 0) {
      ports_[owner.port.value()].demultiplexer->expect(owner.mark, owner.slice, arrivals.marked_strangers);
      continue;
    }
    PortRuntime::OwnQueueState& state = port.own_queues[owner.queue.value()];
    const OwnQueue::Place place{
        .port = port.port, .id = owner.port, .queue = owner.queue, .malformed = state.malformed};
    own_queues_.push_back({.queue = OwnQueue(place, owner.slice, *table_, arrivals),
                           .claim = &state.claim,
                           .ingress = ingress});
    has_own_[number / 64] |= uint64_t{1} << number % 64;
    ++first_own_[number + 1];
  }
  for (std::size_t slice = 0; slice < slices_.size(); ++slice)
    if (is_reserved(slice) && first_own_[slice + 1] > 0)
      reserved_own_.push_back(static_cast<uint16_t>(slice));
  std::partial_sum(first_own_.begin(), first_own_.end(), first_own_.begin());
  for (std::size_t port = 0; port < ports_.size(); ++port)
    for (uint16_t queue = 1; queue <= ports_[port].runtime->port.own_queues(); ++queue)
      if (std::ranges::none_of(owners, [&](const QueueOwner& owner) {
            return owner.port.value() == port && owner.queue.value() == queue;
          }))
        ports_[port].shared_queues.emplace_back(queue);
}

/// Slices keep their numbers across layouts, so that the workers find their accounts.
void Layout::number_slots() {
  std::vector<bool> taken(slices_.size());
  for (const auto& slice : slices_) {
    if (slice->cpu_slot == SliceRuntime::kNoCpuSlot) continue;
    if (slice->cpu_slot >= taken.size()) taken.resize(slice->cpu_slot + std::size_t{1});
    taken[slice->cpu_slot] = true;
  }
  std::size_t next = 0;
  for (const auto& slice : slices_) {
    if (slice->cpu_slot != SliceRuntime::kNoCpuSlot) continue;
    while (taken[next]) ++next;
    slice->cpu_slot = static_cast<uint16_t>(next);
    taken[next] = true;
  }
  for (const auto& slice : slices_) slots_.push_back(slice->cpu_slot);
  cpu_slots_ = taken.size();
}

/// Who was at home somewhere stays there; the others are placed by what is reserved for them. Where that is
/// too much for a worker, all are placed anew.
void Layout::find_homes(std::size_t workers) {
  std::vector<SliceLoad> loads;
  for (std::size_t slice = 0; slice < slices_.size(); ++slice) {
    const std::size_t home = slices_[slice]->home;
    loads.push_back({.reserve = shares_[slice].reserve,
                     .used = 0,
                     .home = home < workers ? std::optional(home) : std::nullopt});
  }
  std::vector<std::size_t> homes = place_new(loads, workers);
  if (first_without_room(loads, homes, workers)) {
    for (SliceLoad& load : loads) load.home.reset();
    homes = place_new(loads, workers);
  }
  for (std::size_t slice = 0; slice < slices_.size(); ++slice) {
    if (slices_[slice]->home != homes[slice]) ++slices_[slice]->moves;
    slices_[slice]->home = homes[slice];
    homes_->move(slice, homes[slice]);
  }
}

void Layout::move(std::size_t slice, std::size_t worker) const {
  ++slices_[slice]->moves;
  slices_[slice]->home = worker;
  homes_->move(slice, worker);
  // Its old worker may have it waiting, and the new one would not hear of it.
  ready_->mark(slice);
}

void Layout::mark_all() const {
  for (std::size_t slice = 0; slice < slices_.size(); ++slice) {
    ready_->mark(slice);
    for (const PortPlace& place : ports_)
      if (place.outputs[slice] != nullptr) place.ready->mark(slice);
  }
}

bool Layout::is_drained() const {
  return std::ranges::none_of(
      slices_, [](const std::shared_ptr<SliceRuntime>& slice) { return slice->holds_packets(); });
}

}  // namespace bulkhead
