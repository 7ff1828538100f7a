// SPDX-License-Identifier: Apache-2.0
#include "shaper/dataplane.hpp"

#include <algorithm>
#include <thread>
#include <utility>

#include "nic/clock.hpp"

namespace bulkhead {
namespace {

bool has_slice(const Layout& layout, const SliceRuntime* slice) {
  return std::ranges::any_of(layout.slices(), [&](const auto& other) { return other.get() == slice; });
}

/// Empties a slice that nobody visits any more; the ports may still hold packets that it had sent.
void retire(SliceRuntime& slice, const Layout& layout) {
  for (const Layout::PortPlace& place : layout.ports()) {
    place.runtime->egress_claim.take();
    for (const SliceOutput* output : place.outputs)
      for (const SliceRuntime::Attachment& attachment : slice.attachments())
        if (output != nullptr && output == attachment.output.get())
          place.runtime->egress.drop_pending(output, DropReason::shutdown);
    place.runtime->egress_claim.release();
  }
  slice.drop_queued();
}

}  // namespace

Dataplane::Dataplane(std::size_t workers, std::unique_ptr<const Layout> first)
    : times_(workers), layouts_(workers, std::move(first)) {}

Result<std::unique_ptr<Dataplane>> Dataplane::start(const Options& options, const PacketPool& pool,
                                                    std::unique_ptr<const Layout> first) {
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
  return plane;
}

Dataplane::~Dataplane() { stop(std::chrono::nanoseconds{0}); }

void Dataplane::publish(std::unique_ptr<const Layout> next) {
  const Layout& now = *next;
  const std::unique_ptr<const Layout> old = layouts_.replace(std::move(next));
  // What a worker queued while it still had the old layout, it marked there.
  now.mark_all();
  for (const auto& slice : old->slices())
    if (!has_slice(now, slice.get())) retire(*slice, *old);
}

void Dataplane::stop(std::chrono::nanoseconds patience) {
  if (!pool_) return;
  phase_.store(Phase::draining, std::memory_order_release);
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (!layout().is_drained() && std::chrono::steady_clock::now() < deadline)
    std::this_thread::sleep_for(std::chrono::milliseconds{1});
  phase_.store(Phase::stopped, std::memory_order_release);
  pool_.reset();
  // A worker had perhaps a burst in its hands when all queues were seen empty. Now no one has.
  for (Cycles now = clock_now(); !layout().is_drained() && std::chrono::steady_clock::now() < deadline;)
    workers_.front()->round(layout(), now, false);
  for (const auto& slice : layout().slices()) retire(*slice, layout());
}

}  // namespace bulkhead
