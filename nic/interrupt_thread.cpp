// SPDX-License-Identifier: Apache-2.0
// An interrupt of one's own is an experimental part of DPDK's interface (22.11 LTS).
#define ALLOW_EXPERIMENTAL_API
#include "nic/interrupt_thread.hpp"

#include <rte_interrupts.h>
#include <sys/eventfd.h>

#include <mutex>
#include <semaphore>

#include "nic/sanitizer.hpp"

namespace bulkhead {
namespace {

/// DPDK takes note of several events at once, calls their handlers by file descriptor, and sets up anew what
/// it listens to when it comes upon that among them. So the caller may open files again, or end DPDK, only
/// with the event after the next: those noted beside the first are through then, and so is that.
constexpr int kRounds = 3;

/// An event of ours among those of the devices. Stays for as long as the process: to take it away would make
/// the thread set itself up anew, at a time that nobody knows.
class Doorbell {
 public:
  void call(void (*work)(void*), void* argument) {
    const std::scoped_lock one_at_a_time(mutex_);
    if (!hangs_) return work(argument);
    work_ = work;
    argument_ = argument;
    round_ = 0;
    hand_over_to_library(this);
    eventfd_write(event_, 1);
    done_.acquire();
  }

 private:
  static void answer(void* of) {
    take_over_from_library(of);
    auto* const bell = static_cast<Doorbell*>(of);
    eventfd_t count = 0;
    eventfd_read(bell->event_, &count);
    if (bell->round_ == 0) bell->work_(bell->argument_);
    if (++bell->round_ == kRounds) return bell->done_.release();
    eventfd_write(bell->event_, 1);
  }

  bool hang() {
    hand_over_to_library(this);
    return event_ >= 0 && handle_ != nullptr && rte_intr_type_set(handle_, RTE_INTR_HANDLE_EXT) == 0 &&
           rte_intr_fd_set(handle_, event_) == 0 && rte_intr_callback_register(handle_, answer, this) == 0;
  }

  const int event_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  rte_intr_handle* const handle_ = rte_intr_instance_alloc(RTE_INTR_INSTANCE_F_PRIVATE);
  std::mutex mutex_;
  void (*work_)(void*) = nullptr;
  void* argument_ = nullptr;
  int round_ = 0;
  std::binary_semaphore done_{0};
  const bool hangs_ = hang();  // last: it is heard from then on
};

}  // namespace

void call_between_interrupts(void (*work)(void*), void* argument) {
  if (rte_thread_is_intr() != 0) return work(argument);
  static Doorbell bell;
  bell.call(work, argument);
}

}  // namespace bulkhead
