// SPDX-License-Identifier: Apache-2.0
#include "shaper/worker_pool.hpp"

#include <fmt/format.h>
#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/task_arena.h>
#include <oneapi/tbb/task_group.h>

#include <condition_variable>
#include <exception>
#include <mutex>
#include <optional>
#include <utility>

#include "nic/sanitizer.hpp"
#include "nic/worker_thread.hpp"

namespace bulkhead {

struct WorkerPool::State {
  explicit State(Options given)
      : options(std::move(given)),
        parallelism(tbb::global_control::max_allowed_parallelism, options.cores.size() + 1),
        arena(static_cast<int>(options.cores.size()), 0) {}

  void run(std::size_t worker);
  void entered(std::optional<std::string> why_not);
  void finished();

  Options options;
  tbb::global_control parallelism;
  tbb::task_arena arena;

  std::mutex mutex;
  std::condition_variable changed;
  // under mutex
  std::size_t begun = 0;  // workers that entered their task, or failed to
  std::size_t ended = 0;
  std::optional<std::string> failure;
  bool may_run = false;  // all have entered
  bool given_up = false;
};

void WorkerPool::State::entered(std::optional<std::string> why_not) {
  std::unique_lock lock(mutex);
  ++begun;
  if (why_not) failure = std::move(why_not);
  changed.notify_all();
  changed.wait(lock, [this] { return may_run || given_up; });
}

void WorkerPool::State::finished() {
  const std::lock_guard lock(mutex);
  ++ended;
  changed.notify_all();
}

void WorkerPool::State::run(std::size_t worker) {
  take_over_from_library(this);
  try {
    auto thread = WorkerThread::enter(options.cores[worker]);
    entered(thread ? std::nullopt : std::optional(thread.error().message()));
    if (thread && !given_up) options.task(worker);
  } catch (const std::exception& error) {
    options.on_failure(fmt::format("worker {} on core {}: {}", worker, options.cores[worker], error.what()));
  } catch (...) {
    options.on_failure(fmt::format("worker {} on core {}: unknown exception", worker, options.cores[worker]));
  }
  finished();
}

Result<std::unique_ptr<WorkerPool>> WorkerPool::start(Options options) {
  auto state = std::make_unique<State>(std::move(options));
  State& shared = *state;
  const std::size_t workers = shared.options.cores.size();
  hand_over_to_library(&shared);
  for (std::size_t worker = 0; worker < workers; ++worker)
    shared.arena.enqueue([&shared, worker] { shared.run(worker); });

  std::unique_ptr<WorkerPool> pool(new WorkerPool(std::move(state)));
  std::unique_lock lock(shared.mutex);
  shared.changed.wait(lock, [&] { return shared.begun == workers; });
  shared.given_up = shared.failure.has_value();
  shared.may_run = !shared.given_up;
  shared.changed.notify_all();
  if (shared.given_up) {
    const std::string why = *shared.failure;
    lock.unlock();
    return fail(why);
  }
  return pool;
}

WorkerPool::WorkerPool(std::unique_ptr<State> state) : state_(std::move(state)) {}

WorkerPool::~WorkerPool() {
  std::unique_lock lock(state_->mutex);
  state_->changed.wait(lock, [this] { return state_->ended == state_->options.cores.size(); });
}

}  // namespace bulkhead
