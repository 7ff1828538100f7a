// SPDX-License-Identifier: Apache-2.0
// An interrupt of one's own is an experimental part of DPDK's interface (22.11 LTS).
#define ALLOW_EXPERIMENTAL_API
#include "nic/interrupt_thread.hpp"

#include <rte_interrupts.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <memory>
#include <semaphore>

#include "nic/sanitizer.hpp"

namespace bulkhead {
namespace {

struct Call {
  void (*work)(void*);
  void* argument;
  int event = -1;
  bool has_worked = false;
  std::binary_semaphore done{0};
};

/// DPDK takes note of several events at once, and calls their handlers by file descriptor. So the caller may
/// open files again only when those are through that it took note of beside this one: with the next event.
void handle(void* of) {
  take_over_from_library(of);
  auto* const call = static_cast<Call*>(of);
  eventfd_t count = 0;
  eventfd_read(call->event, &count);
  if (call->has_worked) return call->done.release();
  call->work(call->argument);
  call->has_worked = true;
  eventfd_write(call->event, 1);
}

struct FreeInterrupt {
  void operator()(rte_intr_handle* handle) const { rte_intr_instance_free(handle); }
};

bool call_by_event(Call& call) {
  const std::unique_ptr<rte_intr_handle, FreeInterrupt> interrupt{
      rte_intr_instance_alloc(RTE_INTR_INSTANCE_F_PRIVATE)};
  if (!interrupt || rte_intr_type_set(interrupt.get(), RTE_INTR_HANDLE_EXT) != 0 ||
      rte_intr_fd_set(interrupt.get(), call.event) != 0)
    return false;
  hand_over_to_library(&call);
  if (rte_intr_callback_register(interrupt.get(), handle, &call) != 0) return false;
  eventfd_write(call.event, 1);
  call.done.acquire();
  rte_intr_callback_unregister_sync(interrupt.get(), handle, &call);
  return true;
}

}  // namespace

void call_between_interrupts(void (*work)(void*), void* argument) {
  if (rte_thread_is_intr() != 0) return work(argument);
  Call call{work, argument, eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  if (call.event < 0 || !call_by_event(call)) work(argument);
  if (call.event >= 0) close(call.event);
}

}  // namespace bulkhead
