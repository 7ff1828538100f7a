// SPDX-License-Identifier: Apache-2.0
#include "shaper/dataplane.hpp"

#include <algorithm>
#include <cstdlib>
#include <thread>
#include <unordered_set>
#include <utility>

#include "nic/clock.hpp"
#include "shaper/balancer.hpp"

namespace bulkhead {
namespace {

constexpr std::chrono::milliseconds kBalanceInterval{100};

using SliceSet = std::unordered_set<const SliceRuntime*>;

SliceSet slices_of(const Layout& layout) {
  SliceSet out;
  for (const auto& slice : layout.slices()) out.insert(slice.get());
  return out;
}

/// Calls `step(egress, output)` for each of the slice's ports, while no worker visits it.
template <class Step>
void at_its_ports(const Layout& layout, std::size_t slice, Step step) {
  for (const Layout::PortPlace& place : layout.ports()) {
    SliceOutput* const output = place.outputs[slice];
    if (output == nullptr) continue;
    place.runtime->egress_claim.take();
    step(place.runtime->egress, *output);
    place.runtime->egress_claim.release();
  }
}

/// Makes the ports know the slices that `known` has not.
void introduce(const Layout& layout, const SliceSet& known) {
  for (std::size_t slice = 0; slice < layout.slices().size(); ++slice)
    if (!known.contains(layout.slices()[slice].get()))
      at_its_ports(layout, slice, [](Egress& egress, SliceOutput& output) { egress.attach(output); });
}

/// Empties the slices that `kept` has not, which nobody visits any more.
void retire(const Layout& layout, const SliceSet& kept) {
  for (std::size_t slice = 0; slice < layout.slices().size(); ++slice) {
    if (kept.contains(layout.slices()[slice].get())) continue;
    at_its_ports(layout, slice,
                 [](Egress& egress, SliceOutput& output) { egress.detach(output, DropReason::shutdown); });
    layout.slices()[slice]->drop_queued();
  }
}

}  // namespace

Dataplane::Dataplane(std::size_t workers, std::unique_ptr<const Layout> first)
    : times_(workers), layouts_(workers, std::move(first)) {
  introduce(layout(), {});
}

Result<std::unique_ptr<Dataplane>> Dataplane::start(const Options& options, const PacketPool& pool,
                                                    std::unique_ptr<const Layout> first) {
  if (first->homes().workers() != options.cores.size()) std::abort();
  std::unique_ptr<Dataplane> plane(new Dataplane(options.cores.size(), std::move(first)));
  const Worker::Shared shared{
      .layouts = plane->layouts_, .phase = plane->phase_, .pool = pool, .idle = options.idle};
  for (std::size_t worker = 0; worker < options.cores.size(); ++worker)
    plane->workers_.push_back(std::make_unique<Worker>(worker, shared));
  Dataplane* const self = plane.get();
  auto workers = WorkerPool::start(
      {.cores = options.cores,
       .task = [self](std::size_t worker) { self->workers_[worker]->run(self->times_[worker]); },
       .on_failure = options.on_failure});
  if (!workers) return std::unexpected(workers.error());
  plane->pool_ = std::move(*workers);
  if (options.balance && options.cores.size() > 1)
    plane->balancer_ = std::jthread([self](const std::stop_token& stop) { self->balance(stop); });
  return plane;
}

Dataplane::~Dataplane() { stop(std::chrono::nanoseconds{0}); }

void Dataplane::publish(std::unique_ptr<const Layout> next) {
  const std::lock_guard lock(moving_);
  const Layout& now = *next;
  if (now.homes().workers() != workers_.size()) std::abort();
  introduce(now, slices_of(layout()));
  // One may have moved since the layout was made.
  for (std::size_t slice = 0; slice < now.slices().size(); ++slice)
    now.move(slice, now.slices()[slice]->home);
  const std::unique_ptr<const Layout> old = layouts_.replace(std::move(next));
  // What a worker queued while it still had the old layout, it marked there.
  now.mark_all();
  retire(*old, slices_of(now));
}

void Dataplane::place(std::size_t slice, std::size_t worker) {
  const std::lock_guard lock(moving_);
  layout().move(slice, worker);
}

void Dataplane::balance(const std::stop_token& stop) {
  Balancer balancer;
  std::unique_lock lock(moving_);
  while (!stop.stop_requested()) {
    if (const auto move = balancer.look(layout(), clock_now())) layout().move(move->slice, move->worker);
    balance_now_.wait_for(lock, stop, kBalanceInterval, [] { return false; });
  }
}

void Dataplane::stop(std::chrono::nanoseconds patience) {
  if (std::exchange(stopped_, true)) return;
  balancer_ = {};
  if (pool_) end_workers(std::chrono::steady_clock::now() + patience);
  retire(layout(), {});
}

void Dataplane::end_workers(std::chrono::steady_clock::time_point deadline) {
  phase_.store(Phase::draining, std::memory_order_release);
  while (!layout().is_drained() && std::chrono::steady_clock::now() < deadline)
    std::this_thread::sleep_for(std::chrono::milliseconds{1});
  phase_.store(Phase::stopped, std::memory_order_release);
  pool_.reset();
  // A worker had perhaps a burst in its hands when all queues were seen empty. Now no one has.
  for (CpuMeter meter(clock_now()); !layout().is_drained() && std::chrono::steady_clock::now() < deadline;)
    for (const auto& worker : workers_)
      if (!worker->has_failed()) worker->round(layout(), meter, false);
}

}  // namespace bulkhead
