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

using Change = EgressChanges::Change;
using SliceSet = std::unordered_set<const SliceRuntime*>;

SliceSet slices_of(const Layout& layout) {
  SliceSet out;
  for (const auto& slice : layout.slices()) out.insert(slice.get());
  return out;
}

/// What the ports have to be told of the slices that `others` has not.
PortChanges changes_for(const Layout& layout, const SliceSet& others, Change::Kind kind) {
  PortChanges changes;
  for (std::size_t slice = 0; slice < layout.slices().size(); ++slice) {
    if (others.contains(layout.slices()[slice].get())) continue;
    for (const Layout::PortPlace& place : layout.ports())
      if (SliceOutput* const output = place.outputs[slice])
        changes[place.runtime.get()].push_back({.kind = kind, .output = output});
  }
  return changes;
}

}  // namespace

Dataplane::Dataplane(std::size_t workers, std::unique_ptr<const Layout> first)
    : times_(workers), layouts_(workers, std::move(first)) {
  change(changes_for(layout(), {}, Change::Kind::attach));
}

/// Empties the slices that are not in the next layout, and that nobody visits any more.
void Dataplane::retire(const Layout& layout, const Layout* next) const {
  const SliceSet kept = next != nullptr ? slices_of(*next) : SliceSet{};
  change(changes_for(layout, kept, Change::Kind::detach));
  for (const auto& slice : layout.slices())
    if (!kept.contains(slice.get())) slice->drop_queued();
}

void Dataplane::change(PortChanges changes) const {
  for (auto& [port, wanted] : changes) port->changes.post(std::move(wanted));
  for (const auto& [port, wanted] : changes) await(*port);
}

/// Workers make the changes at ports that they visit. Elsewhere nobody minds if the control thread does; nor
/// where no worker has come for so long.
void Dataplane::await(PortRuntime& port) const {
  constexpr std::chrono::milliseconds kPatience{100};
  constexpr std::chrono::microseconds kLook{20};
  const bool is_visited = pool_ && std::ranges::any_of(layout().ports(), [&](const Layout::PortPlace& place) {
                            return place.runtime.get() == &port;
                          });
  const auto own_turn = std::chrono::steady_clock::now() + (is_visited ? kPatience : kPatience.zero());
  while (!port.changes.are_made()) {
    if (std::chrono::steady_clock::now() < own_turn || !port.egress_claim.try_take()) {
      std::this_thread::sleep_for(kLook);
      continue;
    }
    port.changes.make_some(port.egress);
    port.egress_claim.release();
  }
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
  change(changes_for(now, slices_of(layout()), Change::Kind::attach));
  // One may have moved since the layout was made.
  for (std::size_t slice = 0; slice < now.slices().size(); ++slice)
    now.move(slice, now.slices()[slice]->home);
  const std::unique_ptr<const Layout> old = layouts_.replace(std::move(next));
  // What a worker queued while it still had the old layout, it marked there.
  now.mark_all();
  retire(*old, &now);
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
  retire(layout(), nullptr);
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
